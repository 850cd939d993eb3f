"""Services without a scenario file around them, as a hand-written test describes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter, ValidationError

from umt_sim.errors import ScenarioError
from umt_sim.scenario.complaints import problems_of
from umt_sim.scenario.schema.block import Surroundings
from umt_sim.scenario.schema.scenario import Name
from umt_sim.scenario.schema.services import Service, build_service
from umt_sim.scenario.yaml import Document
from umt_sim.servers.specs import ServiceSpec

__all__ = ["services"]

_SERVICES: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[Name, Service])


def services(described: Mapping[str, Any]) -> tuple[ServiceSpec, ...]:
    """
    Freeze *described*, the ``services`` block of a scenario as plain data.

    Raises:
        ScenarioError: It is not as a scenario would have it. Carries every problem found.
    """
    surroundings = Surroundings(Path())
    try:
        found = _SERVICES.validate_python(dict(described), context=surroundings)
    except ValidationError as error:
        document = Document("<services>", dict(described), MappingProxyType({}))
        problems = problems_of(error.errors(), document, surroundings.names)
        raise ScenarioError(problems) from None
    return tuple(build_service(name, service) for name, service in found.items())
