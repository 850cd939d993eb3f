"""The language model, as agents use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from umt_sim.platform.errors import ErrorClass, UpstreamRefused
from umt_sim.platform.ports.http_gateway import HttpGateway

__all__ = ["Brief", "Writer"]

MAX_TOKENS = 120
OPERATION = "POST /v1/completions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What a text is to be about, and how it is to sound."""

    title: str
    content_type: str
    tone: str
    topics: Sequence[str]

    @property
    def prompt(self) -> str:
        """The brief, in words for the model."""
        subject = ", ".join(self.topics) or self.title
        return (
            f"Write a {self.content_type} titled {self.title!r} about {subject}."
            f" The tone is {self.tone or 'neutral'}."
        )


class Writer:
    """
    Has texts written.

    Args:
        llm: Gateway to a completion endpoint of the common ``/v1/completions`` kind.
        model: Name of the model to ask for.
    """

    def __init__(self, llm: HttpGateway, *, model: str = "draft-1") -> None:
        self._llm = llm
        self._model = model

    async def write(self, brief: Brief, *, idempotency_key: str) -> str:
        """One text for *brief*. The same key does not have it written, or billed, twice."""
        return (await self._complete(brief.prompt, 1, idempotency_key))[0]

    async def write_versions(
        self, brief: Brief, count: int, *, idempotency_key: str
    ) -> Sequence[str]:
        """
        Up to *count* texts for *brief*, by one request.

        A model that gives only one text is left at that: the others are the same
        text, opened with another topic each.
        """
        texts = await self._complete(brief.prompt, count, idempotency_key)
        openings = [*brief.topics, brief.title] * count
        others = [f"{opening.capitalize()}: {texts[0]}" for opening in openings]
        return [*texts, *others][:count]

    async def _complete(self, prompt: str, count: int, idempotency_key: str) -> list[str]:
        response = await self._llm.request(
            "POST",
            "/v1/completions",
            json={"model": self._model, "prompt": prompt, "n": count, "max_tokens": MAX_TOKENS},
            headers={"idempotency-key": idempotency_key},
        )
        return _texts(response.body)


def _texts(body: Any) -> list[str]:
    """The texts in a completion's answer; an answer without any is the upstream's fault."""
    try:
        texts = [str(choice["text"]).strip() for choice in body["choices"]]
    except (KeyError, TypeError) as error:
        raise _no_text(f"it lacks {error}") from error
    if not texts or not all(texts):
        raise _no_text("a text is empty")
    if any("\0" in text for text in texts):
        raise _no_text("a text holds a NUL, which nothing can store")
    return texts


def _no_text(reason: str) -> UpstreamRefused:
    return UpstreamRefused(
        "llm", OPERATION, code="200", error_class=ErrorClass.SERVER, reason=f"no text: {reason}"
    )
