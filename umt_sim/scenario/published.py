"""The JSON Schema of scenario files, for editors."""

from __future__ import annotations

import json

from umt_sim.scenario.schema.scenario import Scenario

__all__ = ["schema_text"]


def schema_text() -> str:
    """The schema as a file: stable order, two spaces, a newline at the end."""
    schema = Scenario.model_json_schema(by_alias=True)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": "Written by `umt-sim schema`.",
        **schema,
        "title": "umt_sim scenario, version 1",
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
