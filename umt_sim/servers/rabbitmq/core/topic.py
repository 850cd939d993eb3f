"""Topic matching: patterns of dotted words with ``*`` for one word and ``#`` for any number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

__all__ = ["TopicTrie"]

T = TypeVar("T")


class _Node(Generic[T]):
    __slots__ = ("children", "values")

    def __init__(self) -> None:
        self.children: dict[str, _Node[T]] = {}
        self.values: list[T] = []


class TopicTrie(Generic[T]):
    """Values filed under patterns, found by routing key."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, pattern: str, value: T) -> None:
        """File *value* under *pattern*."""
        node = self._root
        for word in _words(pattern):
            node = node.children.setdefault(word, _Node())
        node.values.append(value)

    def remove(self, pattern: str, value: T) -> None:
        """Take *value* out again; branches that end nowhere are cut."""
        path, node = [], self._root
        for word in _words(pattern):
            path.append((node, word))
            node = node.children[word]
        node.values.remove(value)
        while path and not node.values and not node.children:
            node, word = path.pop()
            del node.children[word]

    def match(self, routing_key: str) -> list[T]:
        """Every value whose pattern matches, without doubles, in a fixed order."""
        return list(dict.fromkeys(_matches(self._root, _words(routing_key), 0, set())))


def _words(text: str) -> list[str]:
    return text.split(".") if text else []


def _matches(
    node: _Node[T], words: list[str], at: int, visited: set[tuple[int, int]]
) -> Iterator[T]:
    # A place is searched once, or patterns such as "#.#.#.#" would take for ever.
    place = (id(node), at)
    if place in visited:
        return
    visited.add(place)
    rest = node.children.get("#")
    if rest is not None:
        for skipped in range(at, len(words) + 1):
            yield from _matches(rest, words, skipped, visited)
    if at == len(words):
        yield from node.values
        return
    for child in (node.children.get(words[at]), node.children.get("*")):
        if child is not None:
            yield from _matches(child, words, at + 1, visited)
