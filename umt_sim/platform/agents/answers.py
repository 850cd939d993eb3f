"""What upstreams answer, as agents read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from umt_sim.platform.errors import ErrorClass, UpstreamRefused
from umt_sim.platform.ports.http_gateway import HttpResponse

__all__ = ["name_of", "read_answer"]


def name_of(value: Any) -> str:
    """What an upstream calls something: a text or a number that says something."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise ValueError
    return str(value)


def read_answer(
    upstream: str, response: HttpResponse, **fields: Callable[[Any], Any]
) -> tuple[Any, ...]:
    """
    The *fields* of an answer, each as its function makes it of what is there.

    Raises:
        UpstreamRefused: One is missing or something else: the upstream is broken.
    """
    try:
        return tuple(read(response.body[name]) for name, read in fields.items())
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise UpstreamRefused(
            upstream,
            "its answer",
            code=str(response.status),
            error_class=ErrorClass.SERVER,
            reason=f"does not hold {', '.join(fields)}",
        ) from error
