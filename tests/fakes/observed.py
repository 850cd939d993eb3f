"""The platform under observation: what the stages of both worlds have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from umt_sim.platform.adapters.fernet import FernetVault
from umt_sim.platform.adapters.system import SystemClock
from umt_sim.platform.agents.agent import Agent
from umt_sim.platform.application import AGENTS, Application
from umt_sim.platform.configuration import Configuration
from umt_sim.platform.policies import PRODUCTION_POLICIES, PolicySettings
from umt_sim.platform.surroundings import Surroundings
from umt_sim.platform.tracing.configuration import TracingSettings, build_provider

__all__ = ["KEY", "Observed", "Spans"]

KEY = FernetVault.new_key()
"""Of every stage's vault."""


class Spans:
    """Every span of a stage: ``exporter`` keeps what ``provider`` made."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        settings = TracingSettings(exporters=[self.exporter], batch=False)
        self.provider = build_provider(settings)


@dataclass(kw_only=True)
class Observed:
    """
    Servers, each behind a proxy of its own name, and what the platform tells of itself.

    Attributes:
        errors: What was reported to ``on_error``.
        events: What guards told their listeners.
    """

    exporter: InMemorySpanExporter = field(init=False)
    provider: TracerProvider = field(init=False)
    spans: InitVar[Spans]
    servers: dict[str, Any] = field(default_factory=dict)
    proxies: dict[str, Any] = field(default_factory=dict)
    errors: list[tuple[str, BaseException]] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)

    def __post_init__(self, spans: Spans) -> None:
        self.exporter, self.provider = spans.exporter, spans.provider

    @property
    def config(self) -> Configuration:
        """Where everything is, as the platform sees it."""
        raise NotImplementedError

    @property
    def machines(self) -> Mapping[str, Any]:
        """What this stage's machines give the platform: the rest is the machine's own."""
        return {}

    @property
    def clock(self) -> SystemClock:
        """The machine's clock, virtual or not."""
        return SystemClock()

    def now(self) -> float:
        """Seconds by that clock."""
        return self.clock.monotonic()

    def finished_spans(self) -> list[ReadableSpan]:
        """Spans that have ended, in the order they did."""
        return list(self.exporter.get_finished_spans())

    def application(
        self,
        policies: Mapping[str, PolicySettings] = PRODUCTION_POLICIES,
        config: Configuration | None = None,
        agents: Mapping[str, type[Agent]] = AGENTS,
    ) -> Application:
        """The platform on this stage."""
        return Application(
            config or self.config,
            policies=policies,
            agents=agents,
            surroundings=Surroundings(
                tracer_provider=self.provider,
                on_error=lambda where, error: self.errors.append((where, error)),
                listeners=(self.events.append,),
                **self.machines,
            ),
        )
