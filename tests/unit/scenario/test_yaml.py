"""YAML is read by the rules of version 1.2, and every value keeps its place."""

from __future__ import annotations

import pytest

from umt_sim.errors import ScenarioError
from umt_sim.scenario.yaml import Place, parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("017", 17),
        ("1:30", "1:30"),
        ("1..20", "1..20"),
        ("-3", -3),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1_000", "1_000"),
        ("2026-11-22", "2026-11-22"),
        ("'7'", "7"),
        ("5%", "5%"),
        ("=", "="),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    """No ``on`` for true, no sexagesimals, no octal, no dates."""
    found = parse(f"key: {text}", "f.yaml").data["key"]
    assert (value, type(value)) == (found, type(found))


def test_every_value_keeps_the_place_of_its_key_and_its_own() -> None:
    """Lines and columns count from 1, in block and in flow style."""
    places = parse("a:\n  b: {c: [1, 'x']}\n", "f.yaml").places
    assert Place("f.yaml", (2, 3), (2, 6)) == places["a", "b"]
    assert Place("f.yaml", (2, 7), (2, 10)) == places["a", "b", "c"]
    assert Place("f.yaml", None, (2, 14), inset=1) == places["a", "b", "c", 1]


def test_an_alias_is_the_value_it_names() -> None:
    """Anchors save repetition."""
    assert parse("a: &x {b: 1}\nc: *x\n", "f.yaml").data == {"a": {"b": 1}, "c": {"b": 1}}


def test_aliases_that_unfold_without_end_are_refused() -> None:
    """A file of ten lines cannot take the machine down."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(ScenarioError, match="more than 100000 values"):
        parse("\n".join(lines), "f.yaml")
