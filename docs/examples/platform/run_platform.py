"""The platform on real servers and nothing else: it onboards a brand and creates content."""

import asyncio
from os import environ
from uuid import UUID

from umt_sim.platform.application import Application
from umt_sim.platform.contexts.brand.commands import OnboardBrand
from umt_sim.platform.contexts.content.commands import CreateContent
from umt_sim.platform.environment import configuration_from

ACME = OnboardBrand(
    name="Acme",
    description="Leading technology provider",
    industry_name="Technology",
    industry_code="TECH",
    primary_color="#FF5733",
    secondary_color="#33FF57",
    font_family="Roboto",
    content_tone="Friendly",
)


async def main() -> None:
    """Start every process of the platform, use it, and stop it again."""
    async with Application(configuration_from(environ)) as application:
        brand = await application.client.onboard_brand(ACME)
        order = CreateContent(brand_id=UUID(brand["brand_id"]), title="Hello")
        print(await application.client.create_content(order))  # noqa: T201 - it is a script


asyncio.run(main())
