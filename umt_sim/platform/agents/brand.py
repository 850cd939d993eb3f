"""Brand & Project Management: onboards brands, keeps them up to date, sets projects up."""

from __future__ import annotations

from typing import Any, ClassVar

from umt_sim.platform.agents.agent import Agent
from umt_sim.platform.agents.handlers import takes
from umt_sim.platform.contexts.brand.commands import CreateProject, OnboardBrand, UpdateBrand
from umt_sim.platform.contexts.brand.model import Brand, BrandStyling, Industry, Project
from umt_sim.platform.messages.types import TaskMessage

__all__ = ["BrandManagementAgent"]


class BrandManagementAgent(Agent):
    """Knows who the customers are."""

    role: ClassVar[str] = "brand-management"

    @takes("onboard_brand", needs=("storage",))
    async def onboard_brand(self, task: TaskMessage, command: OnboardBrand) -> Any:
        """Take up a new brand."""
        brand = Brand.create(
            brand_id=command.brand_id or self.new_id(),
            name=command.name,
            description=command.description,
            industry=Industry(command.industry_name, command.industry_code),
            styling=BrandStyling(
                command.primary_color,
                command.secondary_color,
                command.font_family,
                command.content_tone,
            ),
        )
        answer = {"brand_id": str(brand.id)}
        await self.store(task, brand, answer=answer)
        return answer

    @takes("update_brand", needs=("storage",))
    async def update_brand(self, task: TaskMessage, command: UpdateBrand) -> Any:
        """Change what is given, leave the rest."""
        brand = await self.repositories.brands.get(command.brand_id)
        if command.description is not None:
            brand.describe(command.description)
        if command.content_tone is not None:
            brand.change_tone(command.content_tone)
        answer = {"brand_id": str(brand.id), "changes": len(brand.domain_events)}
        await self.store(task, brand, answer=answer)
        return answer

    @takes("create_project", needs=("storage",))
    async def create_project(self, task: TaskMessage, command: CreateProject) -> Any:
        """Set up a project for a brand that exists."""
        brand = await self.repositories.brands.get(command.brand_id)
        project = Project.create(
            project_id=self.new_id(), brand_id=brand.id, name=command.name, goal=command.goal
        )
        answer = {"project_id": str(project.id)}
        await self.store(task, project, answer=answer)
        return answer
