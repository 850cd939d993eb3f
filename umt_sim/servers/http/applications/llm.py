"""
A language model, as seen through its completion endpoint.

The text is a marketing draft made of the prompt's own words and some stock phrases:
enough to be stored, compared and scored. It is the same for the same prompt and seed.
Tokens are words. Sampling parameters are accepted and have no effect.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from umt_sim.servers.http.application import Answer, Call, Refusal, Route, route
from umt_sim.servers.http.applications.content import Content

if TYPE_CHECKING:
    from random import Random

__all__ = ["LanguageModel"]

_OPENINGS = ("Meet", "Discover", "Rethink", "Here is", "Say hello to", "Make room for")
_CLAIMS = (
    "made for people who would rather get on with it",
    "built around the way you already work",
    "ready before your coffee is",
    "without the parts nobody asked for",
    "for teams that count every hour",
    "with results you can show on Monday",
)
_CALLS = ("Try it today.", "See how.", "Start free.", "Ask us anything.", "Join the list.")
_DEFAULT_TOKENS = 64
_MOST_TOKENS = 4096


class LanguageModel:
    """
    Drafts text.

    Args:
        stream: What drafts are derived from, beside the prompt.
    """

    name = "llm"

    def __init__(self, stream: Random) -> None:
        self._content = Content(stream)
        self.routes: Sequence[Route] = (
            route("POST", "/v1/completions", "completion", self._complete),
        )

    def _complete(self, call: Call) -> Answer:
        prompt = call.text("prompt")
        tokens = self._draft(prompt, _tokens_wanted(call))
        identity = f"cmpl-{self._content.digest(prompt).hex()[:24]}"
        about = {
            "id": identity,
            "object": "text_completion",
            "model": str(call.body.get("model", "draft-1")),
        }
        if call.body.get("stream"):
            return Answer(events=_events(about, tokens))
        usage = {
            "prompt_tokens": len(prompt.split()),
            "completion_tokens": len(tokens),
            "total_tokens": len(prompt.split()) + len(tokens),
        }
        choice = {"index": 0, "text": " ".join(tokens), "finish_reason": "stop"}
        return Answer({**about, "choices": [choice], "usage": usage})

    def _draft(self, prompt: str, most: int) -> list[str]:
        """Sentences about the prompt's words until *most* tokens are reached."""
        subjects = re.findall(r"\w{6,}", prompt) or prompt.split() or ["it"]
        tokens: list[str] = []
        number = 0
        while len(tokens) < most:
            dice = self._content.digest(f"{number}:{prompt}")
            subject = subjects[dice[0] % len(subjects)]
            opening, claim = _OPENINGS[dice[1] % len(_OPENINGS)], _CLAIMS[dice[2] % len(_CLAIMS)]
            tokens += f"{opening} {subject}, {claim}. {_CALLS[dice[3] % len(_CALLS)]}".split()
            number += 1
            if dice[4] < 96:  # most drafts end before they must
                break
        return tokens[:most]


def _tokens_wanted(call: Call) -> int:
    wanted = call.body.get("max_tokens", _DEFAULT_TOKENS)
    if not isinstance(wanted, int) or not 1 <= wanted <= _MOST_TOKENS:
        raise Refusal(422, f"max_tokens must be a whole number from 1 to {_MOST_TOKENS}")
    return wanted


def _events(about: dict[str, Any], tokens: list[str]) -> list[str]:
    chunks = []
    for position, token in enumerate(tokens):
        last = position == len(tokens) - 1
        text = token if last else token + " "
        choice = {"index": 0, "text": text, "finish_reason": "stop" if last else None}
        chunks.append(json.dumps({**about, "choices": [choice]}))
    return [*chunks, "[DONE]"]
