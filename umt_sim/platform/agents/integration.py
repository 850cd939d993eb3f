"""Auth & Integration: connects accounts on other platforms and fetches what they know."""

from __future__ import annotations

from typing import Any, ClassVar

from umt_sim.platform.agents.agent import Agent
from umt_sim.platform.agents.handlers import takes
from umt_sim.platform.contexts.integration.commands import (
    ConnectPlatform,
    RefreshCredentials,
    SyncPlatform,
)
from umt_sim.platform.contexts.integration.model import (
    ConnectionSettings,
    Credentials,
    Integration,
)
from umt_sim.platform.errors import InvariantViolated, PortError, UpstreamRefused
from umt_sim.platform.messages.types import TaskMessage
from umt_sim.platform.ports.http_gateway import HttpGateway, path_of
from umt_sim.platform.ports.vault import Vault
from umt_sim.platform.resilience.errors import CallNotPermitted, CallTimedOut

__all__ = ["AuthIntegrationAgent"]

KEPT_OUT = ("401", "403")


class AuthIntegrationAgent(Agent):
    """Keeps the keys to other platforms, and uses them for nobody to see."""

    role: ClassVar[str] = "auth-integration"

    @takes("connect_platform", needs=("storage", "vault"))
    async def connect_platform(self, task: TaskMessage, command: ConnectPlatform) -> Any:
        """Try the credentials at the platform, and keep them if it lets us in."""
        integration = Integration.create(
            integration_id=self.new_id(),
            brand_id=command.brand_id,
            settings=ConnectionSettings(command.platform, command.account),
            credentials=Credentials(command.sealed_credentials.encode()),
        )
        await self._try_key(integration)
        integration.connect()
        answer = {"integration_id": str(integration.id)}
        await self.store(task, integration, answer=answer)
        return answer

    @takes("refresh_credentials", needs=("storage", "vault"))
    async def refresh_credentials(self, task: TaskMessage, command: RefreshCredentials) -> Any:
        """Take over new credentials, or seal the present ones with the newest key."""
        integration = await self.repositories.integrations.get(command.integration_id)
        if command.sealed_credentials is not None:
            integration.replace_credentials(Credentials(command.sealed_credentials.encode()))
            await self._try_key(integration)
        else:
            integration.replace_credentials(integration.credentials.renewed(self._vault))
        answer = {"integration_id": str(integration.id)}
        await self.store(task, integration, answer=answer)
        return answer

    @takes("sync_platform", needs=("storage", "vault"))
    async def sync_platform(self, task: TaskMessage, command: SyncPlatform) -> Any:
        """
        Fetch the numbers of every reference.

        A sync that fails is an outcome like another: it is stored and announced.
        """
        integration = await self.repositories.integrations.get(command.integration_id)
        references = command.references[: integration.settings.items_per_sync]
        now = self.ports.clock.now()
        try:
            numbers = [await self._numbers(integration, reference) for reference in references]
        except (PortError, CallNotPermitted, CallTimedOut) as error:
            integration.fail_sync(str(error), now=now)
            answer = {"items": 0, "failure": str(error)}
        else:
            integration.complete_sync(len(numbers), now=now)
            answer = {"items": len(numbers), "numbers": numbers}
        await self.store(task, integration, answer=answer)
        return answer

    async def _numbers(self, integration: Integration, reference: str) -> Any:
        response = await self._gateway(integration).request(
            "GET", path_of("posts", reference, "metrics"), headers=self._headers(integration)
        )
        return response.body

    async def _try_key(self, integration: Integration) -> None:
        """
        Ask the platform for anything at all.

        Any answer but "keep out" proves that the credentials work: that there is
        nothing under the address asked for does not matter.
        """
        try:
            await self._gateway(integration).request(
                "GET",
                path_of("accounts", integration.settings.account),
                headers=self._headers(integration),
            )
        except UpstreamRefused as refusal:
            if refusal.code in KEPT_OUT:
                raise InvariantViolated(
                    f"{integration.settings.platform} does not accept the credentials",
                    integration.id,
                ) from refusal
            if refusal.error_class != "client":
                raise

    def _headers(self, integration: Integration) -> dict[str, str]:
        return {"authorization": f"Bearer {integration.credentials.reveal(self._vault)}"}

    def _gateway(self, integration: Integration) -> HttpGateway:
        platform = integration.settings.platform
        if platform not in self.ports.gateways:
            known = ", ".join(self.ports.gateways) or "none"
            raise InvariantViolated(f"there is no platform {platform!r}; known are {known}")
        return self.ports.gateways[platform]

    @property
    def _vault(self) -> Vault:
        assert self.ports.vault is not None, "credentials need a vault"
        return self.ports.vault
