"""The published schema says what the loader accepts."""

from __future__ import annotations

import json

from umt_sim.scenario.published import schema_text


def test_the_schema_is_stable_and_names_every_part() -> None:
    """Asking twice gives the same text, so a committed copy can be compared."""
    assert schema_text() == schema_text()
    schema = json.loads(schema_text())
    assert {"version", "name", "clock", "services", "workload", "faults", "expect"} <= set(
        schema["properties"]
    )
    assert schema["additionalProperties"] is False


def test_fields_are_explained_to_editors() -> None:
    """Hovering over a field shows what it is for."""
    schema = json.loads(schema_text())
    assert "begins" in schema["$defs"]["Fault"]["properties"]["at"]["description"]
