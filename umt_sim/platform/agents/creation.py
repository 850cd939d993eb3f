"""Content Creation & Testing: drafts, variations, and which of them works best."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from umt_sim.platform.agents.agent import Agent
from umt_sim.platform.agents.handlers import takes
from umt_sim.platform.agents.writer import Brief, Writer
from umt_sim.platform.contexts.content.commands import (
    CreateContent,
    GenerateVariations,
    ScoreVariation,
)
from umt_sim.platform.contexts.content.model import Content, ContentType, TestResult, Variation
from umt_sim.platform.errors import InvariantViolated
from umt_sim.platform.messages.types import TaskMessage

__all__ = ["ContentCreationAgent"]

_LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class ContentCreationAgent(Agent):
    """Has content written, and tells the better variation from the worse."""

    role: ClassVar[str] = "content-creation"

    @takes("create_content", needs=("storage", "llm"))
    async def create_content(self, task: TaskMessage, command: CreateContent) -> Any:
        """Have a draft and its variations written, and store them."""
        _check_variations(command.variations)
        body, *others = await self._writer.write_versions(
            Brief(
                title=command.title,
                content_type=command.content_type,
                tone=command.tone,
                topics=command.topics,
            ),
            1 + command.variations,
            idempotency_key=task.effect_key,
        )
        content = Content.create(
            content_id=self.new_id(),
            brand_id=command.brand_id,
            title=command.title,
            body=body,
            content_type=ContentType(command.content_type),
            channel=command.channel,
            variations=_labelled(others),
            metadata={"topics": ", ".join(command.topics)},
        )
        answer = {"content_id": str(content.id), "variations": len(content.variations)}
        await self.store(task, content, answer=answer)
        return answer

    @takes("generate_variations", needs=("storage", "llm"))
    async def generate_variations(self, task: TaskMessage, command: GenerateVariations) -> Any:
        """Have more variations of stored content written."""
        _check_variations(command.count)
        content = await self.repositories.contents.get(command.content_id)
        texts = await self._writer.write_versions(
            Brief(
                title=content.title,
                content_type=content.content_type,
                tone="",
                topics=[topic for topic in content.metadata.get("topics", "").split(", ") if topic],
            ),
            command.count,
            idempotency_key=task.effect_key,
        )
        for variation in _labelled(texts, after=len(content.variations)):
            content.add_variation(variation)
        answer = {"content_id": str(content.id), "variations": len(content.variations)}
        await self.store(task, content, answer=answer)
        return answer

    @takes("score_variation")
    async def score_variation(self, task: TaskMessage, command: ScoreVariation) -> Any:
        """Compare two variations, and note the result at the content if one is named."""
        control, challenger = command.control, command.challenger
        result = TestResult.compare(
            control.label,
            challenger.label,
            impressions=(control.impressions, challenger.impressions),
            conversions=(control.conversions, challenger.conversions),
        )
        answer = {**asdict(result), "winner": result.winner}
        if command.content_id is not None:
            content = await self.repositories.contents.get(command.content_id)
            content.note_test(result)
            await self.store(task, content, answer=answer)
        return answer

    @property
    def _writer(self) -> Writer:
        return Writer(self.ports.gateways["llm"])


def _check_variations(count: int) -> None:
    if not 0 <= count < len(_LABELS):
        raise InvariantViolated(f"{count} variations; ask for 0 to {len(_LABELS) - 1}")


def _labelled(texts: list[str] | Any, *, after: int = 0) -> list[Variation]:
    """Variations labelled A, B, C, ..., going on after the first *after* letters."""
    labels = _LABELS[after : after + len(texts)]
    if len(labels) < len(texts):
        raise InvariantViolated(f"content has at most {len(_LABELS)} variations")
    return [Variation(label, text) for label, text in zip(labels, texts, strict=True)]
