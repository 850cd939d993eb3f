"""Payloads of the tasks the brand context takes."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

__all__ = ["CreateProject", "OnboardBrand", "UpdateBrand"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnboardBrand:
    """Take up a new brand. Its id is the requester's choice, or ours when left out."""

    name: str
    description: str
    industry_name: str
    industry_code: str
    primary_color: str
    secondary_color: str
    font_family: str
    content_tone: str
    brand_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateBrand:
    """Change what is given, leave the rest."""

    brand_id: UUID
    description: str | None = None
    content_tone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateProject:
    """Set up a project for a brand."""

    brand_id: UUID
    name: str
    goal: str = ""
