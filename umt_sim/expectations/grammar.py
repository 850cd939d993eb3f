"""
The language of ``expect``, parsed by recursive descent.

    expectation = metric comparison limit { clause }
    metric      = NAME [ "(" SUBJECT ")" ] [ "." AGGREGATE ]
    comparison  = "<" | "<=" | ">" | ">=" | "==" | "!="
    limit       = DURATION | PERCENTAGE | RATE | NUMBER       by the metric's unit
    clause      = "during" WINDOW | "after" WINDOW | "within" DURATION
                | "for" DURATION | "min_samples" NUMBER

- ``during W``: over what was scheduled (or happened) in the window W.
- ``after W``: over what came after it.
- ``within d``, of something that is counted: in the first d of that stretch.
- ``within d for e``, of a level: from some moment of the first d on it holds over
  the e that follow. The moment found is the detection or recovery time.
- ``for e`` alone: over the first e of the stretch.
- ``min_samples n``: with fewer observations the answer is "inconclusive".
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from umt_sim.expectations.metrics import METRICS, Metric, Unit, quantile_of
from umt_sim.measures import units

__all__ = ["COMPARISONS", "Expectation", "ExpectationError", "Number", "expect", "number"]

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}

_CLAUSES = ("during", "after", "within", "for", "min_samples")
_WRITTEN: Mapping[Unit, tuple[Callable[[str], float], str]] = {
    Unit.SECONDS: (units.duration, "a duration such as 800ms"),
    Unit.SHARE: (units.percentage, "a percentage such as 5%"),
    Unit.RATE: (units.rate, "a rate such as 20/s"),
    Unit.NUMBER: (units.number, "a plain number such as 3"),
}


class ExpectationError(ValueError):
    """
    An expectation is not in the language.

    Attributes:
        offset: Where in the text, counted from 0.
    """

    def __init__(self, offset: int, message: str) -> None:
        self.offset = offset
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Number:
    """
    A measured number by its name in the language, such as ``latency(create).p95 during brownout``.

    Attributes:
        text: As written.
        metric: Name in ``METRICS``.
        of: What stands in parentheses.
        aggregate: What follows the dot; empty for nothing.
        relation: How *window* is meant.
        window: Name of a window; ``None`` for the whole run.
        offsets: Where in *text* the metric, the subject and the window stand.
    """

    text: str
    metric: str
    of: str | None
    aggregate: str
    relation: Literal["during", "after"] | None
    window: str | None
    offsets: Mapping[str, int] = field(compare=False)

    @property
    def unit(self) -> Unit:
        """Of its value."""
        return METRICS[self.metric].unit_of(self.aggregate)

    def __str__(self) -> str:
        of = f"({self.of})" if self.of is not None else ""
        dot = f".{self.aggregate}" if self.aggregate else ""
        when = f" {self.relation} {self.window}" if self.relation is not None else ""
        return f"{self.metric}{of}{dot}{when}"


@dataclass(frozen=True, slots=True)
class Expectation:
    """
    A parsed expectation. Durations in seconds.

    Attributes:
        text: As written.
        metric: Name in ``METRICS``.
        of: What stands in parentheses.
        aggregate: What follows the dot; empty for nothing.
        comparison: One of ``COMPARISONS``.
        limit: In the metric's unit: seconds, a fraction of one, 1/s, or a number.
        relation: How *window* is meant.
        window: Name of a window; ``None`` for the whole run.
        within: Seconds; ``None`` when not given.
        hold: The seconds of ``for``.
        min_samples: Observations asked for.
        offsets: Where in *text* the metric, the subject and the window stand.
    """

    text: str
    metric: str
    of: str | None
    aggregate: str
    comparison: str
    limit: float
    relation: Literal["during", "after"] | None
    window: str | None
    within: float | None
    hold: float | None
    min_samples: int | None
    offsets: Mapping[str, int]

    @property
    def unit(self) -> Unit:
        """Of the measured number and the limit."""
        return METRICS[self.metric].unit_of(self.aggregate)

    def holds(self, value: float) -> bool:
        """Whether *value* is on the right side of the limit."""
        return COMPARISONS[self.comparison](value, self.limit)

    def __str__(self) -> str:
        return self.text


def expect(text: str) -> Expectation:
    """
    Parse one expectation.

    Args:
        text: For example ``latency(create_content).p95 < 800ms during baseline``.

    Raises:
        ExpectationError: It is not in the language; says where and what is allowed.
    """
    return _Parser(text).expectation()


def number(text: str) -> Number:
    """
    Parse the name of a measured number: the left side of an expectation, and its window.

    Args:
        text: For example ``latency(create_content).p95 during brownout``.

    Raises:
        ExpectationError: It is not in the language; says where and what is allowed.
    """
    return _Parser(text).number()


class _Parser:
    """Reads one expectation, or the name of a number, from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._offsets: dict[str, int] = {}

    def expectation(self) -> Expectation:
        name, metric = self._metric()
        of = self._subject(name, metric)
        aggregate = self._aggregate(name, metric)
        comparison = self._comparison()
        limit = self._limit(name, metric.unit_of(aggregate))
        clauses = self._clauses(*_CLAUSES)
        parsed = Expectation(
            text=self._text,
            metric=name,
            of=of,
            aggregate=aggregate,
            comparison=comparison,
            limit=limit,
            relation=_relation(clauses),
            window=clauses.get("during") or clauses.get("after"),
            within=_seconds(clauses.get("within")),
            hold=_seconds(clauses.get("for")),
            min_samples=int(clauses["min_samples"]) if "min_samples" in clauses else None,
            offsets=self._offsets,
        )
        self._check_clauses(parsed, metric)
        return parsed

    def number(self) -> Number:
        name, metric = self._metric()
        of = self._subject(name, metric)
        aggregate = self._aggregate(name, metric)
        clauses = self._clauses("during", "after")
        return Number(
            text=self._text,
            metric=name,
            of=of,
            aggregate=aggregate,
            relation=_relation(clauses),
            window=clauses.get("during") or clauses.get("after"),
            offsets=self._offsets,
        )

    def _metric(self) -> tuple[str, Metric]:
        start, name = self._take(r"[A-Za-z_]\w*", "a metric")
        self._offsets["metric"] = start
        if name not in METRICS:
            raise ExpectationError(start, f'unknown metric "{name}"{_hint(name, METRICS)}')
        return name, METRICS[name]

    def _subject(self, name: str, metric: Metric) -> str | None:
        if self._try(r"\(") is None:
            if metric.required:
                self._fail(f"{name} needs the name of a {metric.subject.value}: {name}(...)")
            return None
        start, of = self._take(r"[^()\s]+", f"the name of a {metric.subject.value}")
        self._offsets["of"] = start
        self._take(r"\)", '")"')
        return of

    def _aggregate(self, name: str, metric: Metric) -> str:
        allowed = [*(["p95"] if metric.quantiles else []), *metric.aggregates]
        if self._try(r"\.") is None:
            if allowed:
                self._fail(f"{name} needs an aggregate: {name}.{allowed[0]}")
            return ""
        start, word = self._take(r"p\d+(\.\d+)?|\w+", "an aggregate")
        q = quantile_of(word)
        if metric.quantiles and q is not None:
            if not 0 < q < 1:
                raise ExpectationError(start, f'"{word}" is no percentile; write p50 to p99.9')
            return word
        if word not in metric.aggregates:
            if not allowed:
                raise ExpectationError(start, f"{name} takes no aggregate; leave .{word} out")
            raise ExpectationError(start, f'{name} has no "{word}"{_hint(word, allowed)}')
        return word

    def _comparison(self) -> str:
        start, symbol = self._take(r"[<>=!]+", "a comparison such as <")
        if symbol not in COMPARISONS:
            raise ExpectationError(
                start, f'"{symbol}" compares nothing; write {_list(COMPARISONS)}'
            )
        return symbol

    def _limit(self, name: str, unit: Unit) -> float:
        start, word = self._take(r"\S+", "a limit")
        read, example = _WRITTEN[unit]
        try:
            return read(word)
        except ValueError:
            raise ExpectationError(
                start, f'"{word}" is no limit for {name}, write {example}'
            ) from None

    def _clauses(self, *allowed: str) -> dict[str, str]:
        found: dict[str, str] = {}
        while self._rest():
            start, word = self._take(r"\S+", "a clause")
            if word not in allowed:
                raise ExpectationError(start, f'unknown word "{word}"{_hint(word, allowed)}')
            other = {"during": "after", "after": "during"}.get(word)
            if word in found or other in found:
                raise ExpectationError(start, f'"{word}" after "{other or word}": give one of them')
            found[word] = self._argument(word)
        return found

    def _argument(self, clause: str) -> str:
        match clause:
            case "during" | "after":
                start, word = self._take(r"\S+", "a window")
                self._offsets["window"] = start
            case "min_samples":
                start, word = self._take(r"\S+", "a number")
                if not word.isascii() or not word.isdigit() or word == "0":
                    raise ExpectationError(start, f'"{word}" is no number of samples')
            case _:
                start, word = self._take(r"\S+", "a duration")
                try:
                    long_enough = units.duration(word) > 0
                except ValueError as error:
                    raise ExpectationError(start, str(error)) from None
                if not long_enough:
                    raise ExpectationError(start, f'"{clause} {word}" leaves no time')
        self._offsets[clause] = start
        return word

    def _check_clauses(self, parsed: Expectation, metric: Metric) -> None:
        counted = metric.counts(parsed.aggregate)
        if parsed.within is None:
            return
        at = self._offsets["within"]
        if parsed.window is None:
            raise ExpectationError(at, '"within" needs a window: during or after what?')
        if not counted and parsed.hold is None:
            raise ExpectationError(
                at, f'"within" needs "for": how long must {parsed.metric} then stay there?'
            )
        if counted and parsed.hold is not None:
            raise ExpectationError(
                self._offsets["for"], f'{parsed.metric} is counted; "within" alone says it'
            )

    def _rest(self) -> str:
        return self._text[self._at :].strip()

    def _try(self, pattern: str) -> tuple[int, str] | None:
        """The next word if it matches *pattern*, with where it begins."""
        while self._text[self._at : self._at + 1].isspace():
            self._at += 1
        match = re.compile(pattern).match(self._text, self._at)
        if match is None:
            return None
        self._at = match.end()
        return match.start(), match[0]

    def _take(self, pattern: str, noun: str) -> tuple[int, str]:
        taken = self._try(pattern)
        if taken is None:
            self._fail(f"expected {noun}")
        return taken

    def _fail(self, message: str) -> NoReturn:
        found = self._rest().split(maxsplit=1)
        where = f'found "{found[0]}"' if found else "found the end"
        raise ExpectationError(self._at, f"{message}, {where}")


def _relation(clauses: Mapping[str, str]) -> Literal["during", "after"] | None:
    if "during" in clauses:
        return "during"
    return "after" if "after" in clauses else None


def _seconds(word: str | None) -> float | None:
    return None if word is None else units.duration(word)


def _hint(word: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f', did you mean "{near[0]}"?' if near else f"; known are {_list(names)}"


def _list(words: Iterable[str]) -> str:
    return ", ".join(words)
