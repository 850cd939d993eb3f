"""The line that runs the same thing again, against the same servers."""

from __future__ import annotations

from typing import Any

import pytest

from umt_sim.analysis import Result
from umt_sim.analysis.reproduction import command_for, reproduction
from umt_sim.bootstrap import Supply
from umt_sim.journal.recorder import Journal


def _line(**header: Any) -> str:
    whole = {"scenario": "s", "seed": 7, "world": "live", "plan": {}, **header}
    return reproduction(Result(Journal(whole, {})), "s.yaml")


def test_a_provider_that_was_found_is_asked_for_by_name() -> None:
    """Another machine might find another one."""
    line = _line(versions={"provider": "embedded"}, supply=Supply().as_dict())
    assert "umt-sim run s.yaml --world live --provider embedded --seed 7" in line
    assert line.endswith("# provider embedded")


def test_addresses_and_allowed_hosts_are_given_again() -> None:
    """All but the passwords, which do not belong into a report."""
    given = {"rabbitmq": "ann:secret@a.b:5672/shop", "redis": "a.b:6379", "toxiproxy": "[::1]:8474"}
    supply = Supply("auto", given, ("a.b",))
    line = _line(versions={"provider": "external"}, supply=supply.as_dict())
    assert (
        "--provider external --endpoint 'rabbitmq=ann:***@a.b:5672/shop' --endpoint redis=a.b:6379"
        " --endpoint 'toxiproxy=[::1]:8474' --allow-host a.b --seed 7" in line
    )
    assert "secret" not in str(supply.as_dict())


@pytest.mark.parametrize("address", ["h:1", "ann@h:1", "h:1/db"])
def test_an_address_without_a_password_is_kept_whole(address: str) -> None:
    """There is nothing to hide."""
    assert {"redis": address} == Supply(endpoints={"redis": address}).as_dict()["endpoints"]


def test_the_sim_world_asks_nobody() -> None:
    """Its line is as short as before; older journals name no supply."""
    assert "umt-sim run s.yaml --world sim --seed 7" == command_for("s.yaml", world="sim", seed=7)
    assert "umt-sim run s.yaml --world live --seed 7" == _line()
