"""The brand that the architecture document's examples are about, for every test that needs one."""

from __future__ import annotations

from typing import Any

from umt_sim.platform.contexts.brand.commands import OnboardBrand
from umt_sim.platform.contexts.brand.model import Brand, BrandStyling, Industry

__all__ = ["ACME", "acme"]

ACME = OnboardBrand(
    name="Acme Inc.",
    description="Leading technology provider",
    industry_name="Technology",
    industry_code="TECH",
    primary_color="#FF5733",
    secondary_color="#33FF57",
    font_family="Roboto",
    content_tone="Professional",
)


def acme(**changes: Any) -> Brand:
    """A new Acme, with *changes*."""
    return Brand.create(
        **{
            "name": ACME.name,
            "description": ACME.description,
            "industry": Industry(ACME.industry_name, ACME.industry_code),
            "styling": BrandStyling(
                ACME.primary_color, ACME.secondary_color, ACME.font_family, ACME.content_tone
            ),
            **changes,
        }
    )
