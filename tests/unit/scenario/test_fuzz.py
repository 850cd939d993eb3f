"""Shipped scenarios, spoiled line by line and word by word: a plan or problems, never a crash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from umt_sim.cli.app import app
from umt_sim.errors import Problem, ScenarioError
from umt_sim.scenario.loader import load_frozen, load_text

ROOT = Path(__file__).parents[3]
SHIPPED = [path.read_text() for path in sorted(ROOT.glob("scenarios/**/*.yaml"))]
WORDS = (
    "", "0", "-1", "1e999", "5m", "10%", "20/s", "null", "true", "on", "[]", "{}", "[1, 2]", "~",
    "{a: b}", "'", '"', "&x", "*x", "!!int", "1..20", "latency", "down", "postgres", "\t",
    "\N{SNOWMAN}", "x" * 500, "0x1f", "1:30", "017", ".nan", "{", "]", "#", "- -", "? :", "|",
    "<<", "9" * 40 + "s", "[" * 80 + "]" * 80, "../x:y", "true: 1", "\N{ARABIC-INDIC DIGIT ONE}s",
)  # fmt: skip

Spoil = Callable[[str, Random], str]


def without_a_line(text: str, stream: Random) -> str:
    lines = text.splitlines(keepends=True)
    del lines[stream.randrange(len(lines))]
    return "".join(lines)


def with_a_line_twice(text: str, stream: Random) -> str:
    lines = text.splitlines(keepends=True)
    lines.insert(stream.randrange(len(lines)), stream.choice(lines))
    return "".join(lines)


def with_another_indent(text: str, stream: Random) -> str:
    lines = text.splitlines(keepends=True)
    at = stream.randrange(len(lines))
    lines[at] = " " * stream.randrange(6) + lines[at].lstrip()
    return "".join(lines)


def with_another_word(text: str, stream: Random) -> str:
    words = text.split(" ")
    words[stream.randrange(len(words))] = stream.choice(WORDS)
    return " ".join(words)


def with_words_exchanged(text: str, stream: Random) -> str:
    words = text.split(" ")
    one, other = (stream.randrange(len(words)) for _ in range(2))
    words[one], words[other] = words[other], words[one]
    return " ".join(words)


def with_another_character(text: str, stream: Random) -> str:
    at = stream.randrange(len(text))
    return text[:at] + stream.choice("{}[]:,-#&*!|>'\"%@`0a\n\t \x07\N{SNOWMAN}") + text[at + 1 :]


def cut_short(text: str, stream: Random) -> str:
    return text[: stream.randrange(len(text))]


SPOILS: tuple[Spoil, ...] = (
    without_a_line, with_a_line_twice, with_another_indent, with_another_word,
    with_words_exchanged, with_another_character, cut_short,
)  # fmt: skip


def spoiled(number: int) -> str:
    """The scenario of one number: one to three spoils of a shipped file."""
    stream = Random(f"fuzz/{number}")
    text = stream.choice(SHIPPED)
    for _ in range(stream.randint(1, 3)):
        text = stream.choice(SPOILS)(text, stream) or "x"
    return text


def is_a_plan(text: str) -> bool:
    """Whether *text* loads; else its problems have places and words."""
    problems: tuple[Problem, ...] = ()
    try:
        plan = load_text(text, "f.yaml")
    except ScenarioError as error:
        problems = error.problems
    else:
        assert plan.as_dict() == load_frozen(plan.as_dict()).as_dict()
        return True
    assert problems
    assert all(problem.message and "\n" not in problem.message for problem in problems)
    return False


def test_a_spoiled_file_is_a_plan_or_problems(campaign: bool) -> None:
    """Hundreds of spoiled files; most are wrong, and some are still scenarios."""
    count = 20_000 if campaign else 400
    plans = sum(is_a_plan(spoiled(number)) for number in range(count))
    assert count * 0.03 < plans < count * 0.9


@pytest.mark.parametrize("number", range(12))
def test_the_command_says_so_without_a_traceback(number: int, tmp_path: Path) -> None:
    """``umt-sim validate`` exits with 0 or 2 and prints sentences."""
    path = tmp_path / "f.yaml"
    path.write_text(spoiled(number))
    found = CliRunner().invoke(app, ["validate", str(path)])
    assert found.exit_code in (0, 2)
    assert "Traceback" not in found.output
