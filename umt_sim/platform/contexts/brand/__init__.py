"""Who a customer is, how it looks and sounds."""

from __future__ import annotations

from umt_sim.platform.contexts.brand.model import (
    Brand,
    BrandStyling,
    Industry,
    Project,
    SocialMediaAccount,
    TargetAudience,
)
from umt_sim.platform.contexts.brand.repository import BrandRepository, ProjectRepository

__all__ = [
    "Brand",
    "BrandRepository",
    "BrandStyling",
    "Industry",
    "Project",
    "ProjectRepository",
    "SocialMediaAccount",
    "TargetAudience",
]
