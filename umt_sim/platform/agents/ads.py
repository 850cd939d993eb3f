"""Content & Ad Management: sends content out, runs campaigns, collects results."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from umt_sim.platform.agents.agent import Agent
from umt_sim.platform.agents.handlers import hears, takes
from umt_sim.platform.contexts.content.commands import PublishContent
from umt_sim.platform.contexts.content.events import ContentCreated
from umt_sim.platform.contexts.content.model import Content, ContentStatus
from umt_sim.platform.contexts.content.postgres import PostgresContentRepository
from umt_sim.platform.errors import InvariantViolated
from umt_sim.platform.messages.types import EventMessage, Header, TaskMessage

__all__ = ["ContentAdManagementAgent"]

OWN_SITE = "site"


class ContentAdManagementAgent(Agent):
    """Brings content to readers and ads to customers."""

    role: ClassVar[str] = "content-ad-management"

    @hears("content.created", needs=("storage",))
    async def publish_new_content(self, message: EventMessage, event: ContentCreated) -> None:
        """What was drafted on request is approved by the request: send it out."""
        content = await self._contents.get(event.content_id)
        if content.status is ContentStatus.DRAFT:
            content.approve()
            await self._publish(message, content)

    @takes("publish_content", needs=("storage",))
    async def publish_content(self, task: TaskMessage, command: PublishContent) -> Any:
        """Send approved or scheduled content out."""
        content = await self._contents.get(command.content_id)
        return await self._publish(task, content)

    async def _publish(self, cause: Header, content: Content) -> Any:
        reference = await self._send_out(content)
        content.publish(reference)
        answer = {"content_id": str(content.id), "reference": reference}
        await self.store(cause, content, answer=answer)
        return answer

    async def _send_out(self, content: Content) -> str:
        """Hand *content* to its channel; the channel's own name for it."""
        match content.channel:
            case "site":
                # Our own site shows what the database says is published.
                return f"site/{content.id}"
            case "social":
                return await self._post("social", "/posts", content, {"text": content.body})
            case "cms":
                body = {"title": content.title, "body": content.body}
                return await self._post("cms", "/documents", content, body)
            case other:
                raise InvariantViolated(
                    f"there is no channel {other!r}; known are site, social, cms", content.id
                )

    async def _post(self, upstream: str, path: str, content: Content, body: Any) -> str:
        if upstream not in self.ports.gateways:
            raise InvariantViolated(f"{self.agent_id} has no {upstream} upstream", content.id)
        response = await self.ports.gateways[upstream].request(
            "POST", path, json=body, headers={"idempotency-key": _publication(content.id)}
        )
        return f"{upstream}/{response.body['id']}"

    @property
    def _contents(self) -> PostgresContentRepository:
        assert self.ports.database is not None, "publishing needs storage"
        return PostgresContentRepository(self.ports.database)


def _publication(content_id: UUID) -> str:
    """The same key for every attempt to send one piece of content out."""
    return f"publish:{content_id}"
