"""
How the broker refuses: an AMQP reply code with RabbitMQ's words.

A soft error closes the channel it happened on, a hard error the connection.
Which is which follows from the code (AMQP 0-9-1, section 1.2).
"""

from __future__ import annotations

__all__ = [
    "AmqpError",
    "Breakdown",
    "access_refused",
    "channel_error",
    "command_invalid",
    "connection_forced",
    "frame_error",
    "internal_error",
    "not_allowed",
    "not_found",
    "not_implemented",
    "precondition_failed",
    "resource_error",
    "resource_locked",
    "unexpected_frame",
]

_SOFT = frozenset({311, 312, 313, 403, 404, 405, 406})
_LONGEST_TEXT = 255  # bytes of a short string


class Breakdown(Exception):
    """
    Something RabbitMQ does not survive in the process that serves the connection.

    The client sees a closed socket and no explanation.
    """


class AmqpError(Exception):
    """
    An operation was refused.

    Attributes:
        code: AMQP reply code.
        text: Reply text as sent: RabbitMQ's name of the code, a dash, the explanation.
        soft: Whether it closes only the channel.
        method: Class and method it is about, for the close that follows; zeros if none.
    """

    def __init__(self, code: int, name: str, explanation: str) -> None:
        text = (f"{name} - {explanation}" if explanation else name).encode()[:_LONGEST_TEXT]
        self.code = code
        self.text = text.decode("utf-8", "ignore")
        self.soft = code in _SOFT
        self.method = (0, 0)
        super().__init__(f"{code} {self.text}")

    def about(self, method: tuple[int, int]) -> AmqpError:
        """The same, said of *method*."""
        self.method = method
        return self


def access_refused(explanation: str) -> AmqpError:
    """403: the name or the right is not the client's to use."""
    return AmqpError(403, "ACCESS_REFUSED", explanation)


def not_found(explanation: str) -> AmqpError:
    """404: no such exchange, queue or binding."""
    return AmqpError(404, "NOT_FOUND", explanation)


def resource_locked(explanation: str) -> AmqpError:
    """405: the queue belongs to another connection."""
    return AmqpError(405, "RESOURCE_LOCKED", explanation)


def precondition_failed(explanation: str) -> AmqpError:
    """406: the arguments do not fit what exists."""
    return AmqpError(406, "PRECONDITION_FAILED", explanation)


def connection_forced(explanation: str) -> AmqpError:
    """320: the broker closes the connection for its own reasons."""
    return AmqpError(320, "CONNECTION_FORCED", explanation)


def frame_error(explanation: str) -> AmqpError:
    """501: bytes that are not a frame."""
    return AmqpError(501, "FRAME_ERROR", explanation)


def command_invalid(explanation: str) -> AmqpError:
    """503: a method that has no place in this state."""
    return AmqpError(503, "COMMAND_INVALID", explanation)


def channel_error(explanation: str) -> AmqpError:
    """504: work on a channel that is not open, or opened twice."""
    return AmqpError(504, "CHANNEL_ERROR", explanation)


def unexpected_frame(explanation: str) -> AmqpError:
    """505: the right frame at the wrong moment."""
    return AmqpError(505, "UNEXPECTED_FRAME", explanation)


def resource_error(explanation: str) -> AmqpError:
    """506: the broker has no room for it."""
    return AmqpError(506, "RESOURCE_ERROR", explanation)


def not_allowed(explanation: str) -> AmqpError:
    """530: forbidden by the broker's settings."""
    return AmqpError(530, "NOT_ALLOWED", explanation)


def not_implemented(explanation: str) -> AmqpError:
    """540: known to AMQP, not to this broker."""
    return AmqpError(540, "NOT_IMPLEMENTED", explanation)


def internal_error(explanation: str = "") -> AmqpError:
    """541: what makes a RabbitMQ process crash, and what newer versions refuse."""
    return AmqpError(541, "INTERNAL_ERROR", explanation)
