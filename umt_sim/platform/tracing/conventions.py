"""
The attribute names of OpenTelemetry's semantic conventions 1.44 that we use.

Database and HTTP names are stable there. Messaging names are still in
development, so this is the one module to change when they move.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "DB_NAMESPACE",
    "DB_OPERATION_NAME",
    "DB_QUERY_SUMMARY",
    "DB_QUERY_TEXT",
    "DB_RESPONSE_STATUS_CODE",
    "DB_SYSTEM_NAME",
    "ERROR_TYPE",
    "HTTP_REQUEST_METHOD",
    "HTTP_RESPONSE_STATUS_CODE",
    "MESSAGING_CONVERSATION_ID",
    "MESSAGING_DESTINATION_NAME",
    "MESSAGING_MESSAGE_ID",
    "MESSAGING_MESSAGE_REDELIVERED",
    "MESSAGING_OPERATION_NAME",
    "MESSAGING_OPERATION_TYPE",
    "MESSAGING_SYSTEM",
    "SERVER_ADDRESS",
    "SERVER_PORT",
    "URL_FULL",
    "consumer_destination",
    "producer_destination",
]

DB_SYSTEM_NAME: Final = "db.system.name"
DB_NAMESPACE: Final = "db.namespace"
DB_OPERATION_NAME: Final = "db.operation.name"
DB_QUERY_SUMMARY: Final = "db.query.summary"
DB_QUERY_TEXT: Final = "db.query.text"
DB_RESPONSE_STATUS_CODE: Final = "db.response.status_code"

MESSAGING_SYSTEM: Final = "messaging.system"
MESSAGING_OPERATION_NAME: Final = "messaging.operation.name"
MESSAGING_OPERATION_TYPE: Final = "messaging.operation.type"
MESSAGING_DESTINATION_NAME: Final = "messaging.destination.name"
MESSAGING_MESSAGE_ID: Final = "messaging.message.id"
MESSAGING_MESSAGE_REDELIVERED: Final = "messaging.message.redelivered"  # ours; they have none
MESSAGING_CONVERSATION_ID: Final = "messaging.message.conversation_id"

HTTP_REQUEST_METHOD: Final = "http.request.method"
HTTP_RESPONSE_STATUS_CODE: Final = "http.response.status_code"
URL_FULL: Final = "url.full"

SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
ERROR_TYPE: Final = "error.type"


def producer_destination(exchange: str, routing_key: str) -> str:
    """``{exchange}:{routing key}``, empty parts left out; ``amq.default`` when nothing is left."""
    return ":".join(part for part in (exchange, routing_key) if part) or "amq.default"


def consumer_destination(exchange: str, routing_key: str, queue: str) -> str:
    """``{exchange}:{routing key}:{queue}``, with empty and repeated parts left out."""
    parts = [part for part in (exchange, routing_key) if part]
    if queue and queue != routing_key:
        parts.append(queue)
    return ":".join(parts) or "amq.default"
