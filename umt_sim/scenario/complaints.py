"""Turns what pydantic found into problems with a place and a suggestion."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from umt_sim.errors import Problem
from umt_sim.scenario.yaml import Document, Pointer

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["in_order", "pointers_of", "problems_of", "suggestion", "unknown"]

_WORDS = {
    "bool_type": "expected true or false, got {given}",
    "dict_type": "expected a mapping, got {given}",
    "float_type": "expected a number, got {given}",
    "greater_than": "must be above {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "int_type": "expected a whole number, got {given}",
    "less_than_equal": "must be at most {le:g}",
    "list_type": "expected a list, got {given}",
    "model_type": "expected a mapping, got {given}",
    "missing": "is required",
    "string_type": "expected text, got {given}",
    "too_long": "takes {max_length} at most",
    "too_short": "needs {min_length} at least",
}


_LONGEST = 80
"""Characters of a wrong value that are worth repeating."""


def problems_of(
    errors: Sequence[ErrorDetails], document: Document, names: Mapping[int, Sequence[str]]
) -> list[Problem]:
    """
    One problem for each of pydantic's *errors*, in the order of the file.

    Args:
        errors: As ``ValidationError.errors()`` gives them.
        document: What was validated.
        names: Identity of a mapping in it to the names it may have.
    """
    problems = []
    for error in errors:
        pointer, parent = _locate(error["loc"], document.data)
        if error["type"] == "union_tag_invalid":
            pointer = (*pointer, _chooser(error))
        message = _message(error, pointer, names.get(id(parent), ()))
        is_key = error["type"] in ("extra_forbidden", "invalid_key") or "[key]" in error["loc"]
        problems.append(document.problem(pointer, message, at_key=is_key))
    return in_order(problems)


def pointers_of(errors: Sequence[ErrorDetails], document: Document) -> list[Pointer]:
    """Where in the *document* each of pydantic's *errors* is."""
    return [_locate(error["loc"], document.data)[0] for error in errors]


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """*problems* in the order of the file; those without a place come last."""
    return sorted(problems, key=lambda p: (p.line is None, p.line or 0, p.column or 0))


def suggestion(given: object, known: Iterable[str]) -> str:
    """``, did you mean "x"?`` where *given* looks like one of *known*; else nothing."""
    near = difflib.get_close_matches(str(given), list(known), n=1, cutoff=0.5)
    return f', did you mean "{near[0]}"?' if near else ""


def unknown(noun: str, given: object, known: Sequence[str]) -> str:
    """``unknown fault "x", did you mean "y"?``, or the known ones where none is near."""
    hint = suggestion(given, known)
    if not hint:
        hint = f"; known are {', '.join(known)}" if known else "; there are none"
    return f'unknown {noun} "{given}"{hint}'


def _locate(loc: tuple[int | str, ...], data: Any) -> tuple[Pointer, Any]:
    """The pointer meant by pydantic's *loc*, without its marks, and the value that holds it."""
    steps = [step for step in loc if not _is_mark(step)]
    parent = value = data
    for step in steps:
        parent = value
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            value = None
    return tuple(steps), parent


def _is_mark(step: int | str) -> bool:
    """Whether *step* names an alternative or a key check rather than a place in the file."""
    return isinstance(step, str) and (step.startswith("<") or step == "[key]")


def _message(error: ErrorDetails, pointer: Pointer, names: Sequence[str]) -> str:
    context: dict[str, Any] = error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            return _unknown_field(pointer[-1], names)
        case "value_error":
            return str(context["error"])
        case "literal_error":
            return _not_one_of(error["input"], context["expected"])
        case "union_tag_invalid":
            return _not_an_alternative(context)
        case "union_tag_not_found":
            return f"expected a mapping with {_chooser(error)}, got {_as_yaml(error['input'])}"
        case "string_pattern_mismatch":
            return _misnamed(error["input"], context["pattern"])
        case "invalid_key":
            return "a key must be text here"
        case "too_short" if context["min_length"] == 1:
            return "must not be empty"
        case kind if kind in _WORDS:
            return _WORDS[kind].format(given=_as_yaml(error["input"]), **context)
        case _:
            return error["msg"]


def _unknown_field(name: object, names: Sequence[str]) -> str:
    hint = suggestion(name, names)
    return "unknown field" + (hint or f"; known are {', '.join(names)}")


def _not_one_of(given: object, expected: str) -> str:
    words = expected.replace("'", "").replace(" or ", ", ").split(", ")
    if words == ["1"]:
        return f"version {_as_yaml(given)} is not supported; write 1"
    if words == ["True"]:
        return f"{_as_yaml(given)} is not allowed; write true, or leave it out"
    remedy = suggestion(given, words) or f"; write {', '.join(map(_as_text, words))}"
    return f"{_as_yaml(given)} is not allowed{remedy}"


def _as_text(word: str) -> str:
    """*word* as it is written where YAML must take it for text."""
    return f'"{word}"' if word[:1].isdigit() else word


def _misnamed(name: str, pattern: str) -> str:
    """Why *name* does not match *pattern*, one of the two kinds of names in the schema."""
    marks = " " if "." not in pattern else ", dots, dashes "
    return (
        f"{_as_yaml(name)} is no name here; it may have letters, digits{marks}and underscores, and"
        f" begins with a letter{'' if marks == ' ' else ' or digit'}"
    )


def _as_yaml(value: object) -> str:
    """*value* as the user may have written it, cut where it is long."""
    if value is None:
        return "nothing"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _chooser(error: ErrorDetails) -> str:
    """The key that chooses among alternatives."""
    return str(error["ctx"]["discriminator"]).removesuffix("()")


def _not_an_alternative(context: Mapping[str, Any]) -> str:
    given = str(context["tag"]).strip("<>")
    words = [word.strip("<>") for word in context["expected_tags"].replace("'", "").split(", ")]
    words = [word for word in words if word != "duration"]
    if not given:
        return f"is required; one of {', '.join(words)}"
    hint = suggestion(given, words) or f"; known are {', '.join(words)}"
    return f'unknown "{given}"{hint}'
