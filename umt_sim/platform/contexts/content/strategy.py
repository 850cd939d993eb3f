"""What to write about: topics for a brand, from what is known of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Strategy", "recommend"]

MOST_TOPICS = 5
_SHORTEST_WORD = 5
_WORD = re.compile(r"[A-Za-z][A-Za-z-]+")


@dataclass(frozen=True, slots=True)
class Strategy:
    """What to write about, and how it should sound. Best topic first."""

    topics: tuple[str, ...]
    tone: str


def recommend(
    *,
    description: str,
    industry: str,
    tone: str,
    interests: Iterable[str] = (),
    already_written: Iterable[str] = (),
) -> Strategy:
    """
    Topics for a brand: its audience's interests, its industry, and the words of its description.

    A topic that many titles in *already_written* mention comes later: readers
    have seen it.
    """
    words = [w.lower() for w in _WORD.findall(description) if len(w) >= _SHORTEST_WORD]
    candidates = dict.fromkeys([*(i.lower() for i in interests), industry.lower(), *words])
    seen = Counter(word.lower() for title in already_written for word in _WORD.findall(title))
    ranked = sorted(candidates, key=lambda topic: seen[topic])
    return Strategy(tuple(ranked[:MOST_TOPICS]), tone)
