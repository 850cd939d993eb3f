"""
Runs the platform's processes on the world's hosts, and its users.

The platform knows nothing of the harness; here its processes are given to the
world's hosts, its policies come from the scenario, and what its guards publish
goes into the journal.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import BreakerEvent, RetryEvent
from umt_sim.platform.application import AGENTS, DASHBOARD, Application
from umt_sim.platform.configuration import (
    Configuration,
    HttpSettings,
    PostgresSettings,
    RabbitMQSettings,
    RedisSettings,
)
from umt_sim.platform.contexts.brand.commands import OnboardBrand
from umt_sim.platform.contexts.content.commands import CreateContent
from umt_sim.platform.errors import PortTimeout
from umt_sim.platform.resilience import CallTimedOut, DeadlineExceeded
from umt_sim.platform.resilience.breaker import events
from umt_sim.platform.resilience.retry import RetryScheduled
from umt_sim.platform.surroundings import Surroundings
from umt_sim.systems.base import Setting
from umt_sim.systems.umt.policies import policy_settings
from umt_sim.workload.operations import Arrival, Operations
from umt_sim.worlds.base import Endpoint

if TYPE_CHECKING:
    from random import Random

__all__ = ["start"]

BRANDS = 8
"""Brands that are onboarded before the load begins; content is created for one of them."""

CHANNELS = ("social", "cms")
"""Channels that need an upstream of their name; content for the platform's own site needs none."""


@asynccontextmanager
async def start(setting: Setting) -> AsyncIterator[Operations]:
    """Start the platform with the scenario's policies; leaving stops it."""
    application = Application(
        _configuration(setting.endpoints),
        policies={name: policy_settings(values) for name, values in setting.policies.items()},
        surroundings=Surroundings(
            randomness=lambda name: setting.stream(f"platform/{name}"),
            tracer_provider=setting.tracer_provider,
            launch=setting.launch,
            on_error=setting.unhandled,
            listeners=(_Journalist(setting.recorder).hear,),
        ),
    )
    async with application:
        for name in (*AGENTS, DASHBOARD):
            setting.on_restart(name, _restart(application, name))
        channels = ["site", *(name for name in CHANNELS if name in setting.endpoints)]
        users = _Users(application, setting.stream("users"), channels)
        await users.onboard_brands()
        yield Operations(
            {
                "create_content": users.create_content,
                "onboard_brand": users.onboard_brand,
                "read_dashboard": users.read_dashboard,
            },
            unknown=(TimeoutError, PortTimeout, CallTimedOut, DeadlineExceeded),
        )


def _restart(application: Application, name: str) -> Any:
    async def restart() -> None:
        await application.restart(name)

    return restart


class _Users:
    """The platform's users: they choose a brand and say what they want."""

    def __init__(self, application: Application, stream: Random, channels: Sequence[str]) -> None:
        self._client = application.client
        self._dashboard = application.dashboard
        self._stream = stream
        self._channels = channels
        self._brands: list[UUID] = []

    async def onboard_brands(self) -> None:
        """Onboard the brands that content will be created for."""
        for number in range(BRANDS):
            answer = await self._client.onboard_brand(_brand(f"Brand {number}"))
            self._brands.append(UUID(str(answer["brand_id"])))

    async def onboard_brand(self, arrival: Arrival) -> str:
        """Onboard one more brand."""
        answer = await self._client.onboard_brand(_brand(f"Brand of arrival {arrival.number}"))
        return str(answer["brand_id"])

    async def create_content(self, arrival: Arrival) -> str:
        """Create content for one of the brands, on one of the channels."""
        answer = await self._client.create_content(
            CreateContent(
                brand_id=self._stream.choice(self._brands),
                title=f"Story {arrival.number}",
                channel=self._stream.choice(self._channels),
            )
        )
        return str(answer["content_id"])

    async def read_dashboard(self, arrival: Arrival) -> None:  # noqa: ARG002 - one is like another
        """Look at one of the brands."""
        await self._dashboard.read(self._stream.choice(self._brands))


class _Journalist:
    """Writes what breakers and retries publish to the journal."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def hear(self, event: Any) -> None:
        """Take note of one event; what is of no interest to the journal is left out."""
        match event:
            case events.StateChanged(from_state=before, to_state=after):
                self._breaker(event, before.value, after.value)
            case events.BreakerEvent():
                self._breaker(event, None, None)
            case RetryScheduled():
                self._recorder.add(
                    RetryEvent(
                        at=self._recorder.now(),
                        policy=event.policy,
                        attempt=event.attempt,
                        delay=event.delay,
                        error=type(event.error).__qualname__,
                    )
                )

    def _breaker(self, event: events.BreakerEvent, before: str | None, after: str | None) -> None:
        self._recorder.add(
            BreakerEvent(
                at=self._recorder.now(),
                breaker=event.breaker,
                event=event.kind,
                from_state=before,
                to_state=after,
            )
        )


def _configuration(endpoints: Mapping[str, Endpoint]) -> Configuration:
    broker, database, cache = (endpoints[name] for name in ("rabbitmq", "postgres", "redis"))
    return Configuration(
        rabbitmq=RabbitMQSettings(
            host=broker.host,
            port=broker.port,
            user=broker.user,
            password=broker.password,
            virtual_host=broker.database,
        ),
        postgres=PostgresSettings(
            host=database.host,
            port=database.port,
            user=database.user,
            password=database.password,
            database=database.database,
        ),
        redis=RedisSettings(host=cache.host, port=cache.port, database=int(cache.database)),
        upstreams={
            name: HttpSettings(base_url=endpoint.url)
            for name, endpoint in endpoints.items()
            if endpoint.kind == "http"
        },
    )


def _brand(name: str) -> OnboardBrand:
    return OnboardBrand(
        name=name,
        description="A brand made for a simulated run",
        industry_name="Technology",
        industry_code="TECH",
        primary_color="#FF5733",
        secondary_color="#33FF57",
        font_family="Roboto",
        content_tone="Professional",
    )
