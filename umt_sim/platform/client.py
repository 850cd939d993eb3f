"""The platform as its users see it: requests over the broker, answered or failed in time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from opentelemetry.trace import SpanKind

from umt_sim.platform.agents.addresses import mailbox
from umt_sim.platform.agents.catalogue import CATALOGUE
from umt_sim.platform.agents.courier import Courier
from umt_sim.platform.contexts.analytics.commands import (
    AnalyzeContent,
    RecommendTopics,
    ResearchCompetitors,
)
from umt_sim.platform.contexts.brand.commands import CreateProject, OnboardBrand, UpdateBrand
from umt_sim.platform.contexts.campaign.commands import CollectMetrics, LaunchCampaign
from umt_sim.platform.contexts.content.commands import (
    CreateContent,
    GenerateVariations,
    PublishContent,
    ScoreVariation,
)
from umt_sim.platform.contexts.integration.commands import (
    ConnectPlatform,
    RefreshCredentials,
    SyncPlatform,
)
from umt_sim.platform.contexts.integration.model import Credentials
from umt_sim.platform.domain.identity import new_id
from umt_sim.platform.errors import MessageError, MissingDependency, PortTimeout, RequestFailed
from umt_sim.platform.messages.codec import MessageCodec
from umt_sim.platform.messages.factory import MessageFactory
from umt_sim.platform.messages.types import ErrorMessage, Message, ResponseMessage, TaskMessage
from umt_sim.platform.ports.circuit_breaker import CircuitBreaker
from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.ports.message_broker import Delivery, MessageBroker, Subscription
from umt_sim.platform.ports.randomness import Randomness
from umt_sim.platform.ports.tracing import TracingProvider
from umt_sim.platform.ports.vault import Vault
from umt_sim.platform.resilience.deadline import current_deadline
from umt_sim.platform.resilience.policy import ResiliencePolicy
from umt_sim.platform.tracing.propagation import current_traceparent

__all__ = ["MarketingClient"]

Result = Mapping[str, Any]

logger = logging.getLogger(__name__)


class MarketingClient:
    """
    Sends tasks to the agents and waits for their answers.

    An operation tried more than once keeps its idempotency key, so it happens once.
    It raises ``RequestFailed`` when an agent answers with an error, ``PortTimeout``
    when no answer comes in time (it may have happened), or what its guards raise.

    Args:
        client_id: Names its mailbox too; two clients need two names.
        broker: Carries tasks and answers.
        guard: Around each publish.
        policies: Around whole operations, by name.
        timeouts: Seconds to wait for an answer, by the name of the policy.
        vault: Seals credentials before they are sent.
        timeout_seconds: For operations that have no timeout of their own.
    """

    def __init__(
        self,
        client_id: str,
        broker: MessageBroker,
        *,
        guard: CircuitBreaker,
        policies: Mapping[str, ResiliencePolicy],
        timeouts: Mapping[str, float],
        clock: Clock,
        randomness: Randomness,
        tracer: TracingProvider,
        vault: Vault | None = None,
        timeout_seconds: float = 30.0,
    ) -> None:
        self._broker = broker
        self._policies = policies
        self._timeouts = timeouts
        self._timeout = timeout_seconds
        self._vault = vault
        self._clock = clock
        self._randomness = randomness
        self._tracer = tracer
        self._codec = MessageCodec(CATALOGUE)
        self._courier = Courier(broker, guard=guard, codec=self._codec, tracer=tracer)
        self._messages = MessageFactory(
            client_id,
            clock=clock,
            randomness=randomness,
            trace_context=current_traceparent,
        )
        self._mailbox = mailbox(client_id)
        self._waiting: dict[str, asyncio.Future[Message]] = {}
        self._subscription: Subscription | None = None

    async def start(self) -> None:
        """Open the mailbox."""
        self._subscription = await self._broker.subscribe(self._mailbox, self._receive)

    async def stop(self) -> None:
        """Close the mailbox. Requests still waiting run into their timeouts."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await subscription.cancel()

    async def onboard_brand(self, command: OnboardBrand) -> Result:
        """Take up a brand: ``brand_id``."""
        return await self._operation("brand-management", "onboard_brand", command)

    async def update_brand(self, command: UpdateBrand) -> Result:
        """Change a brand: ``brand_id``, ``changes``."""
        return await self._operation("brand-management", "update_brand", command)

    async def create_project(self, command: CreateProject) -> Result:
        """Set up a project: ``project_id``."""
        return await self._operation("brand-management", "create_project", command)

    async def create_content(self, command: CreateContent) -> Result:
        """Have content planned, written, stored and, soon after, published: ``content_id``."""
        return await self._operation(
            "content-strategy", "create_content", command, policy="content-creation"
        )

    async def generate_variations(self, command: GenerateVariations) -> Result:
        """Have more variations of content written: ``content_id``, ``variations``."""
        return await self._operation("content-creation", "generate_variations", command)

    async def score_variation(self, command: ScoreVariation) -> Result:
        """Compare two variations: ``winner``, ``lift``, ``confidence``."""
        return await self._operation("content-creation", "score_variation", command)

    async def publish_content(self, command: PublishContent) -> Result:
        """Send approved content out: ``content_id``, ``reference``."""
        return await self._operation("content-ad-management", "publish_content", command)

    async def launch_campaign(self, command: LaunchCampaign) -> Result:
        """Have a campaign planned, written, started and stored: ``campaign_id``."""
        return await self._operation(
            "content-strategy", "launch_campaign", command, policy="campaign-launch"
        )

    async def collect_metrics(self, command: CollectMetrics) -> Result:
        """Fetch a campaign's numbers: ``spent``, ``impressions``, ``clicks``."""
        return await self._operation("content-ad-management", "collect_metrics", command)

    async def analyze_content(self, command: AnalyzeContent) -> Result:
        """Find out what stands out: ``report_id``, ``insights``."""
        return await self._operation("content-strategy", "analyze_content", command)

    async def research_competitors(self, command: ResearchCompetitors) -> Result:
        """Find out what others do: ``report_id``, ``insights``."""
        return await self._operation("content-strategy", "research_competitors", command)

    async def recommend_topics(self, command: RecommendTopics) -> Result:
        """Be advised what to write about: ``report_id``, ``topics``."""
        return await self._operation("content-strategy", "recommend_topics", command)

    async def connect_platform(
        self, brand_id: UUID, platform: str, account: str, credentials: str
    ) -> Result:
        """Connect an account: ``integration_id``. The credentials leave this process sealed."""
        command = ConnectPlatform(
            brand_id=brand_id,
            platform=platform,
            account=account,
            sealed_credentials=self._sealed(credentials),
        )
        return await self._operation("auth-integration", "connect_platform", command)

    async def refresh_credentials(
        self, integration_id: UUID, credentials: str | None = None
    ) -> Result:
        """Change an account's credentials, or without any their seal: ``integration_id``."""
        sealed = None if credentials is None else self._sealed(credentials)
        command = RefreshCredentials(integration_id=integration_id, sealed_credentials=sealed)
        return await self._operation("auth-integration", "refresh_credentials", command)

    async def sync_platform(self, command: SyncPlatform) -> Result:
        """Fetch what an account's platform knows: ``items``, ``numbers`` or ``failure``."""
        return await self._operation("auth-integration", "sync_platform", command)

    def _sealed(self, credentials: str) -> str:
        if self._vault is None:
            raise MissingDependency("MarketingClient", ["vault is missing; give it a Vault"])
        return Credentials.of(credentials, self._vault).sealed.decode("ascii")

    async def _operation(
        self, role: str, task_type: str, payload: Any, *, policy: str = ""
    ) -> Result:
        """One operation, as often as its policy sees fit."""
        key = str(new_id(self._randomness))
        with self._tracer.start_as_current_span(task_type, kind=SpanKind.CLIENT):
            guard = self._policies.get(policy)
            seconds = self._timeouts.get(policy, self._timeout)
            if guard is None:
                return await self._request(role, task_type, payload, key, seconds)
            return await guard.call(self._request, role, task_type, payload, key, seconds)

    async def _request(
        self, role: str, task_type: str, payload: Any, key: str, seconds: float
    ) -> Result:
        """Send one task and wait for its answer."""
        task = self._messages.task(
            task_type,
            payload,
            reply_to=self._mailbox.name,
            timeout_seconds=self._limited(seconds),
            idempotency_key=key,
        )
        answer = await self._answer_to(role, task)
        if isinstance(answer, ErrorMessage):
            raise RequestFailed(answer.error_type, answer.error_class, answer.message)
        assert isinstance(answer, ResponseMessage), f"{answer.message_type} is no answer"
        result: Result = answer.result
        return result

    async def _answer_to(self, role: str, task: TaskMessage) -> Message:
        correlation = str(task.correlation_id)
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[correlation] = future
        try:
            async with asyncio.timeout(task.timeout_seconds) as limit:
                await self._courier.task(role, task, now=task.timestamp)
                return await future
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise PortTimeout("agents", task.task_type, "no answer in time") from error
        finally:
            del self._waiting[correlation]

    async def _receive(self, delivery: Delivery) -> None:
        """Hand an answer to whoever waits for it."""
        try:
            message = self._codec.decode(delivery.parcel.body)
        except MessageError as error:
            logger.error("an answer is thrown away: %s", error)  # noqa: TRY400 - no trace needed
        else:
            waiting = self._waiting.get(str(message.correlation_id))
            if waiting is None or waiting.done():
                logger.info("an answer to %s came too late", message.correlation_id)
            else:
                waiting.set_result(message)

    def _limited(self, seconds: float) -> float:
        """*seconds*, or what is left of the caller's deadline if that is less."""
        whole = current_deadline()
        if whole is None:
            return seconds
        return max(0.001, min(seconds, whole.remaining(self._clock)))
