"""
Reads YAML by the rules of YAML 1.2 and remembers where everything stood.

PyYAML's parser does the reading (in C where it was built so); what text *means*
is decided here, by the core schema of YAML 1.2: ``on`` is text, ``1:30`` is text,
``017`` is seventeen. That is also what editors assume. A key given twice is an
error, and so are tags, for a scenario is data and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import yaml

from umt_sim.errors import Problem, ScenarioError

__all__ = ["Document", "Place", "Pointer", "dotted", "parse", "parse_scalar"]

Pointer = tuple[str | int, ...]
"""Where in a document: mapping keys and list positions from the root."""

_DEEPEST = 50  # levels; a scenario has eight
_MOST_NODES = 100_000  # aliases can make a small file unfold without end
_Base: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _CoreLoader(_Base):  # type: ignore[misc]
    """PyYAML's loader with the implicit types of YAML 1.2's core schema only."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


_TYPES: tuple[tuple[str, str, str, Callable[[str], Any]], ...] = (
    ("null", r"(?:~|null|Null|NULL|)", "~nN\0", lambda _: None),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)", "tTfF", lambda text: text[0] in "tT"),
    ("int", r"[-+]?[0-9]+", "-+0123456789", int),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?",
        "-+.0123456789",
        float,
    ),
)
_READ: dict[str, Callable[[str], Any]] = {"tag:yaml.org,2002:str": str}
for _name, _pattern, _first, _read in _TYPES:
    _tag = f"tag:yaml.org,2002:{_name}"
    _CoreLoader.add_implicit_resolver(
        _tag, re.compile(rf"{_pattern}\Z"), ["" if c == "\0" else c for c in _first]
    )
    _READ[_tag] = _read

_KEYS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:int")


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where a value came from.

    Attributes:
        origin: The file, or the command-line option that set the value.
        key: Line and column of its key, counted from 1; absent for list items.
        value: Line and column of the value itself.
        inset: Columns from there to the first character of a text; absent where a text goes
            over several lines, so that its parts have no column to be pointed at.
    """

    origin: str
    key: tuple[int, int] | None
    value: tuple[int, int] | None
    inset: int | None = 0


@dataclass(frozen=True, slots=True)
class Document:
    """
    A parsed document and the place of each of its values.

    Attributes:
        path: The file as the user named it.
        data: Nested dicts, lists, strings, numbers, booleans and ``None``.
        places: Pointer to place.
    """

    path: str
    data: Any
    places: Mapping[Pointer, Place]

    def problem(self, pointer: Pointer, message: str, *, at_key: bool = False) -> Problem:
        """
        A problem at *pointer*, or at the nearest thing above it that has a place.

        Args:
            pointer: What is wrong, or what is missing.
            message: What is wrong with it and what to write instead.
            at_key: Point at the key rather than at its value.
        """
        for length in range(len(pointer), -1, -1):
            place = self.places.get(pointer[:length])
            if place is not None:
                missing = length < len(pointer)
                mark = place.key if (at_key or missing) and place.key else place.value
                line, column = mark or (None, None)
                return Problem(place.origin, line, column, dotted(pointer), message)
        return Problem(self.path, None, None, dotted(pointer), message)

    def problem_inside(self, pointer: Pointer, offset: int, message: str) -> Problem:
        """A problem *offset* characters into the scalar at *pointer*."""
        place = self.places.get(pointer)
        if place is None or place.value is None or place.inset is None:
            return self.problem(pointer, message)
        line, column = place.value
        column += place.inset + offset
        return Problem(place.origin, line, column, dotted(pointer), message)


def dotted(pointer: Pointer) -> str:
    """A pointer as people write it: ``faults.outage.for``."""
    return ".".join(str(step) for step in pointer)


def parse(text: str, path: str) -> Document:
    """
    Read one YAML document.

    Args:
        text: Its source.
        path: How messages name it.

    Raises:
        ScenarioError: It is not YAML, has a key twice, a tag, or several documents.
    """
    node = _compose(text, path)
    reader = _Reader(path)
    data = reader.read(node, (), None) if node is not None else None
    if reader.problems:
        raise ScenarioError(reader.problems)
    return Document(path, data, MappingProxyType(reader.places))


def parse_scalar(text: str, origin: str) -> Any:
    """The value of a command-line text by the same rules, flow collections included."""
    return parse(text, origin).data


def _compose(text: str, path: str) -> yaml.Node | None:
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=_CoreLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        said = [error.context, error.problem] if _goes_on(error.problem) else [error.problem]
        message = f"not valid YAML: {', '.join(filter(None, said))}"
        raise ScenarioError([Problem(path, line, column, "", message)]) from None
    except RecursionError:
        message = f"nested more than {_DEEPEST} levels deep"
        raise ScenarioError([Problem(path, None, None, "", message)]) from None
    except yaml.reader.ReaderError as error:
        message = f"not valid YAML: {error.reason} at character {error.position}"
        raise ScenarioError([Problem(path, None, None, "", message)]) from None
    return node


def _goes_on(sentence: str | None) -> bool:
    """Whether PyYAML's *sentence* is the second half of one: "... but found another document"."""
    return sentence is None or sentence.startswith("but ")


class _Reader:
    """Turns PyYAML's nodes into values, keeping places and collecting problems."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.places: dict[Pointer, Place] = {(): Place(path, None, (1, 1))}
        self.problems: list[Problem] = []
        self._open: list[int] = []
        self._nodes = 0

    def read(self, node: yaml.Node, pointer: Pointer, key: yaml.Node | None) -> Any:
        """The value of *node*, which stands at *pointer* under *key*."""
        key_mark = _mark(key) if key is not None else None
        self.places[pointer] = Place(self.path, key_mark, _mark(node), _inset(node))
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            self._refuse(node, pointer, f"more than {_MOST_NODES} values, aliases unfolded")
            raise ScenarioError(self.problems)
        if len(pointer) > _DEEPEST:
            self._refuse(node, pointer[:3], f"nested more than {_DEEPEST} levels deep")
            return None
        if id(node) in self._open:
            self._refuse(node, pointer, "an alias to something that contains it")
            return None
        self._open.append(id(node))
        try:
            return self._value(node, pointer)
        finally:
            self._open.pop()

    def _value(self, node: yaml.Node, pointer: Pointer) -> Any:
        match node:
            case yaml.MappingNode(tag="tag:yaml.org,2002:map"):
                return self._mapping(node, pointer)
            case yaml.SequenceNode(tag="tag:yaml.org,2002:seq"):
                return [
                    self.read(item, (*pointer, index), None)
                    for index, item in enumerate(node.value)
                ]
            case yaml.ScalarNode() if node.tag in _READ:
                return self._scalar(node, pointer)
            case _:
                self._refuse(node, pointer, f"tags are not allowed, found {node.tag!r}")
                return None

    def _scalar(self, node: yaml.ScalarNode, pointer: Pointer) -> Any:
        try:
            return _READ[node.tag](node.value)
        except ValueError:
            self._refuse(node, pointer, f"{node.value[:40]!r} is not what its tag says")
            return None

    def _mapping(self, node: yaml.MappingNode, pointer: Pointer) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        first: dict[Any, yaml.Node] = {}
        for key_node, value_node in node.value:
            if getattr(key_node, "tag", None) not in _KEYS:
                self._refuse(key_node, pointer, "a key must be plain text or a whole number")
                continue
            if key_node.value == "<<" and not key_node.style:
                self._refuse(key_node, pointer, "YAML 1.2 merges nothing; write the keys out")
                continue
            key = self._scalar(key_node, pointer)
            if key in first:
                line = first[key].start_mark.line + 1
                self._refuse(key_node, (*pointer, key), f"given twice, first in line {line}")
                continue
            first[key] = key_node
            result[key] = self.read(value_node, (*pointer, key), key_node)
        return result

    def _refuse(self, node: yaml.Node, pointer: Pointer, message: str) -> None:
        line, column = _mark(node)
        self.problems.append(Problem(self.path, line, column, dotted(pointer), message))


def _inset(node: yaml.Node) -> int | None:
    """Columns between the mark of *node* and its text."""
    if node.start_mark.line != node.end_mark.line:
        return None
    return 1 if getattr(node, "style", None) in ("'", '"') else 0


def _mark(node: yaml.Node) -> tuple[int, int]:
    """Line and column of the beginning of *node*, counted from 1."""
    return node.start_mark.line + 1, node.start_mark.column + 1
