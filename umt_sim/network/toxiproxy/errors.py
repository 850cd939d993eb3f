"""What the API answers when it cannot do what was asked. Texts and codes are Toxiproxy's."""

from __future__ import annotations

__all__ = [
    "PROXY_EXISTS",
    "PROXY_NOT_FOUND",
    "STREAM_INVALID",
    "TOXIC_EXISTS",
    "TOXIC_NOT_FOUND",
    "TYPE_INVALID",
    "Refusal",
    "bad_body",
    "missing_field",
]


class Refusal(Exception):
    """
    An error answer.

    Args:
        message: For the client.
        status: HTTP status code.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status

    def document(self) -> dict[str, str | int]:
        """The body of the answer."""
        return {"error": str(self), "status": self.status}


PROXY_NOT_FOUND = ("proxy not found", 404)
PROXY_EXISTS = ("proxy already exists", 409)
TOXIC_NOT_FOUND = ("toxic not found", 404)
TOXIC_EXISTS = ("toxic already exists", 409)
TYPE_INVALID = ("invalid toxic type", 400)
STREAM_INVALID = ("stream was invalid, can be either upstream or downstream", 400)


def bad_body(error: Exception) -> Refusal:
    """The request's body cannot be read."""
    return Refusal(f"bad request body: {error}", 400)


def missing_field(field: str) -> Refusal:
    """The request's body lacks a field."""
    return Refusal(f"missing required field: {field}", 400)
