"""Brands and projects."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit
from uuid import UUID

from umt_sim.platform.contexts.brand.events import BrandCreated, BrandUpdated, ProjectCreated
from umt_sim.platform.domain.identity import new_id
from umt_sim.platform.domain.model import AggregateRoot, ValueObject
from umt_sim.platform.errors import InvariantViolated

__all__ = [
    "Brand",
    "BrandStyling",
    "Industry",
    "Project",
    "SocialMediaAccount",
    "TargetAudience",
]

_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,15}")


@dataclass(frozen=True, slots=True)
class Industry(ValueObject):
    """A trade, with its short code in capitals."""

    name: str
    code: str

    def validate(self) -> None:
        """A name and a code of 2 to 16 capitals, digits or underscores."""
        self.require(self.name.strip(), "an industry has a name")
        self.require(
            _CODE.fullmatch(self.code), f"an industry code is like TECH, not {self.code!r}"
        )


@dataclass(frozen=True, slots=True)
class BrandStyling(ValueObject):
    """How a brand looks and sounds."""

    primary_color: str
    secondary_color: str
    font_family: str
    content_tone: str

    def validate(self) -> None:
        """Colours are ``#RRGGBB``; font and tone are given."""
        for color in (self.primary_color, self.secondary_color):
            self.require(_COLOR.fullmatch(color), f"a color is like #FF5733, not {color!r}")
        self.require(self.font_family.strip(), "a styling names a font family")
        self.require(self.content_tone.strip(), "a styling names a content tone")


@dataclass(frozen=True, slots=True)
class SocialMediaAccount(ValueObject):
    """A brand's presence on one platform."""

    platform: str
    handle: str
    url: str

    def validate(self) -> None:
        """A platform, a handle, and an absolute web address."""
        self.require(self.platform.strip(), "an account is on a platform")
        self.require(self.handle.strip(), "an account has a handle")
        address = urlsplit(self.url)
        self.require(
            address.scheme in ("http", "https") and address.netloc,
            f"an account's url is a web address, not {self.url!r}",
        )


@dataclass(frozen=True, slots=True)
class TargetAudience(ValueObject):
    """Whom a brand speaks to. Ages are in years, both ends included."""

    description: str
    age_from: int = 0
    age_to: int = 120
    interests: tuple[str, ...] = ()

    def validate(self) -> None:
        """The ages are in order and those of people."""
        self.require(
            0 <= self.age_from <= self.age_to <= 120,
            f"ages run from 0 to 120, not from {self.age_from} to {self.age_to}",
        )


class Brand(AggregateRoot):
    """A customer's brand."""

    __slots__ = (
        "_social_media_accounts",
        "description",
        "industry",
        "name",
        "styling",
        "target_audience",
    )

    def __init__(
        self,
        identity: UUID,
        *,
        name: str,
        description: str,
        industry: Industry,
        styling: BrandStyling,
        target_audience: TargetAudience | None = None,
        social_media_accounts: Iterable[SocialMediaAccount] = (),
        version: int = 0,
    ) -> None:
        super().__init__(identity, version)
        if not name.strip():
            raise InvariantViolated("a brand has a name", identity)
        self.name = name
        self.description = description
        self.industry = industry
        self.styling = styling
        self.target_audience = target_audience
        self._social_media_accounts = list(social_media_accounts)

    @classmethod
    def create(
        cls,
        *,
        name: str,
        description: str,
        industry: Industry,
        styling: BrandStyling,
        target_audience: TargetAudience | None = None,
        brand_id: UUID | None = None,
    ) -> Brand:
        """A new brand, with its event. Without *brand_id* it gets a random id."""
        brand = cls(
            brand_id or new_id(),
            name=name,
            description=description,
            industry=industry,
            styling=styling,
            target_audience=target_audience,
        )
        brand._record(BrandCreated(brand.id, name, industry.code))
        return brand

    @property
    def social_media_accounts(self) -> tuple[SocialMediaAccount, ...]:
        """The brand's accounts, in the order they were added."""
        return tuple(self._social_media_accounts)

    def add_social_media_account(self, account: SocialMediaAccount) -> None:
        """Add *account*. A brand has one account per platform and handle."""
        for known in self._social_media_accounts:
            if (known.platform, known.handle) == (account.platform, account.handle):
                raise InvariantViolated(
                    f"the brand already has {account.handle} on {account.platform}", self.id
                )
        self._social_media_accounts.append(account)
        self._record(BrandUpdated(self.id, "social_media_accounts"))

    def restyle(self, styling: BrandStyling) -> None:
        """Look and sound like *styling* from now on."""
        if styling != self.styling:
            self.styling = styling
            self._record(BrandUpdated(self.id, "styling"))

    def change_tone(self, content_tone: str) -> None:
        """Sound like *content_tone*, look as before."""
        self.restyle(replace(self.styling, content_tone=content_tone))

    def describe(self, description: str) -> None:
        """Say something else about the brand."""
        if description != self.description:
            self.description = description
            self._record(BrandUpdated(self.id, "description"))

    def address(self, audience: TargetAudience) -> None:
        """Speak to *audience* from now on."""
        if audience != self.target_audience:
            self.target_audience = audience
            self._record(BrandUpdated(self.id, "target_audience"))


class Project(AggregateRoot):
    """Work done for a brand under one name."""

    __slots__ = ("brand_id", "goal", "name")

    def __init__(
        self, identity: UUID, *, brand_id: UUID, name: str, goal: str = "", version: int = 0
    ) -> None:
        super().__init__(identity, version)
        if not name.strip():
            raise InvariantViolated("a project has a name", identity)
        self.brand_id = brand_id
        self.name = name
        self.goal = goal

    @classmethod
    def create(
        cls, *, brand_id: UUID, name: str, goal: str = "", project_id: UUID | None = None
    ) -> Project:
        """A new project, with its event."""
        project = cls(project_id or new_id(), brand_id=brand_id, name=name, goal=goal)
        project._record(ProjectCreated(project.id, brand_id, name))
        return project
