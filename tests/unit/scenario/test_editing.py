"""``--set`` edits the document before it is validated, by the rules of the file."""

from __future__ import annotations

import pytest

from umt_sim.errors import ScenarioError
from umt_sim.scenario.loader import load_text

TEXT = """\
version: 1
name: example
clock: {duration: 5m}
services:
  api: {kind: http, app: llm, errors: {429: 1%}}
workload:
  - {name: ask, arrivals: {model: open, rate: 10/s}}
  - {name: tell, arrivals: {model: closed, users: 2, think: 1s}}
"""


def document(*overrides: str) -> dict:  # type: ignore[type-arg]
    """The frozen document after edits."""
    return load_text(TEXT, "f.yaml", overrides=overrides, find=None).as_dict()


def test_a_value_deep_inside_is_set() -> None:
    """The path has dots between its keys; the value is YAML."""
    assert document("clock.duration=90s")["clock"]["duration"] == "90s"
    assert document("clock={duration: 2m, warmup: 5s}")["clock"]["warmup"] == "5s"


def test_an_item_of_a_list_is_named_by_position_or_name() -> None:
    """``workload.tell`` and ``workload.1`` are the same item."""
    by_name = document("workload.tell.arrivals.users=7")
    assert by_name == document("workload.1.arrivals.users=7")
    assert by_name["workload"][1]["arrivals"]["users"] == 7


def test_a_number_can_be_a_key() -> None:
    """HTTP statuses are numbers."""
    assert document("services.api.errors.429=3%")["services"]["api"]["errors"] == {"429": "3%"}


def test_what_is_not_there_is_made() -> None:
    """A fault can be added from the command line."""
    made = document("faults.gone={at: 1m, for: 5s, target: api, down: true}")
    assert made["faults"]["gone"]["down"] is True


def test_later_edits_win() -> None:
    """Edits are made in order."""
    assert document("clock.duration=1m", "clock.duration=2m")["clock"]["duration"] == "2m"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ("clock.duration", "--set clock.duration: write --set path=value, for example"),
        ("clock.duration=5", "--set clock.duration=5: clock.duration: 5 has no unit"),
        ("clok.duration=5s", '--set clok.duration=5s: clok: unknown field, did you mean "clock"?'),
        ("workload.sk.arrivals.rate=1/s", 'workload has no item "sk"; known are ask, tell'),
        ("name.first=x", "name is 'example' and holds no \"first\""),
        ("clock.duration=[", "not valid YAML"),
    ],
)
def test_a_wrong_edit_is_reported_as_such(edit: str, message: str) -> None:
    """The message names the option, not a line of the file."""
    with pytest.raises(ScenarioError) as caught:
        document(edit)
    assert message in str(caught.value)
    assert "f.yaml:" not in str(caught.value)
