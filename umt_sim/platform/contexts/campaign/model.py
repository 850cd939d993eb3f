"""Campaigns: what they may spend, what they have spent, and where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from umt_sim.platform.contexts.campaign.events import CampaignCompleted, CampaignLaunched
from umt_sim.platform.domain.identity import new_id
from umt_sim.platform.domain.model import AggregateRoot, ValueObject
from umt_sim.platform.domain.transitions import Transitions
from umt_sim.platform.errors import InvariantViolated

__all__ = ["AdSet", "Budget", "Campaign", "CampaignStatus", "Money", "Schedule", "Targeting"]

MOST_CENTS = 2**63 - 1
_CURRENCY = re.compile(r"[A-Z]{3}")


class CampaignStatus(StrEnum):
    """Where a campaign stands."""

    DRAFT = "draft"  # planned
    ACTIVE = "active"  # spending
    PAUSED = "paused"  # not spending for now
    COMPLETED = "completed"  # over


_STATUS = Transitions(
    "campaign",
    {
        CampaignStatus.DRAFT: (CampaignStatus.ACTIVE,),
        CampaignStatus.ACTIVE: (CampaignStatus.PAUSED, CampaignStatus.COMPLETED),
        CampaignStatus.PAUSED: (CampaignStatus.ACTIVE, CampaignStatus.COMPLETED),
    },
)


@dataclass(frozen=True, slots=True)
class Money(ValueObject):
    """
    An amount of one currency, in its smallest unit (cents): exact, never a float, and no
    more than 64 bits hold, so that what a campaign is started with can be stored.

    Amounts of different currencies are neither added nor compared.
    """

    cents: int
    currency: str

    def validate(self) -> None:
        """Not negative, and a currency code of three capitals (ISO 4217)."""
        self.require(self.cents >= 0, f"money is not negative, as {self.cents} is")
        self.require(self.cents <= MOST_CENTS, f"nobody has more than {MOST_CENTS} cents")
        self.require(
            _CURRENCY.fullmatch(self.currency), f"a currency is like EUR, not {self.currency!r}"
        )

    def __add__(self, other: Money) -> Money:
        return Money(self.cents + self._same(other).cents, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.cents - self._same(other).cents, self.currency)

    def __le__(self, other: Money) -> bool:
        return self.cents <= self._same(other).cents

    def __str__(self) -> str:
        return f"{self.cents / 100:.2f} {self.currency}"

    def _same(self, other: Money) -> Money:
        self.require(
            other.currency == self.currency, f"{self} and {other} are of different currencies"
        )
        return other


@dataclass(frozen=True, slots=True)
class Budget(ValueObject):
    """What a campaign may spend, in all and a day."""

    total: Money
    daily: Money

    def validate(self) -> None:
        """Something to spend; a day's share is not more than all of it."""
        self.require(self.total.cents > 0 and self.daily.cents > 0, "a budget is above zero")
        self.require(
            self.daily <= self.total, f"{self.daily} a day is more than {self.total} in all"
        )


@dataclass(frozen=True, slots=True)
class Schedule(ValueObject):
    """When a campaign runs; without an end until its budget is spent."""

    starts: datetime
    ends: datetime | None = None

    def validate(self) -> None:
        """The end comes after the start."""
        self.require(
            self.ends is None or self.ends > self.starts, "a schedule ends after it starts"
        )


@dataclass(frozen=True, slots=True)
class Targeting(ValueObject):
    """Who is to see the ads. Ages are in years, both ends included."""

    interests: tuple[str, ...] = ()
    age_from: int = 18
    age_to: int = 120

    def validate(self) -> None:
        """The ages are in order."""
        self.require(0 <= self.age_from <= self.age_to, "ages are in order")


@dataclass(frozen=True, slots=True)
class AdSet(ValueObject):
    """Ads of one campaign that go to the same people."""

    name: str
    text: str
    targeting: Targeting
    content_ids: tuple[UUID, ...] = ()

    def validate(self) -> None:
        """A name and a text."""
        self.require(self.name.strip() and self.text.strip(), "an ad set has a name and a text")


class Campaign(AggregateRoot):
    """An ad campaign. It never spends more than its budget."""

    __slots__ = (
        "_ad_sets",
        "brand_id",
        "budget",
        "name",
        "reference",
        "schedule",
        "spent",
        "status",
    )

    def __init__(
        self,
        identity: UUID,
        *,
        brand_id: UUID,
        name: str,
        budget: Budget,
        schedule: Schedule,
        ad_sets: Iterable[AdSet] = (),
        spent: Money | None = None,
        status: CampaignStatus = CampaignStatus.DRAFT,
        reference: str = "",
        version: int = 0,
    ) -> None:
        super().__init__(identity, version)
        if not name.strip():
            raise InvariantViolated("a campaign has a name", identity)
        self.brand_id = brand_id
        self.name = name
        self.budget = budget
        self.schedule = schedule
        self.spent = spent or Money(0, budget.total.currency)
        self.status = status
        self.reference = reference
        self._ad_sets = list(ad_sets)

    @classmethod
    def create(
        cls,
        *,
        brand_id: UUID,
        name: str,
        budget: Budget,
        schedule: Schedule,
        campaign_id: UUID | None = None,
    ) -> Campaign:
        """A new campaign, in draft."""
        return cls(
            campaign_id or new_id(), brand_id=brand_id, name=name, budget=budget, schedule=schedule
        )

    @property
    def ad_sets(self) -> tuple[AdSet, ...]:
        """The ad sets, in the order they were added."""
        return tuple(self._ad_sets)

    @property
    def left(self) -> Money:
        """What may still be spent."""
        return self.budget.total - self.spent

    def add_ad_set(self, ad_set: AdSet) -> None:
        """Add *ad_set*, before the campaign is launched; names are used once."""
        if self.status is not CampaignStatus.DRAFT:
            raise InvariantViolated("ad sets are added before the launch", self.id)
        if any(known.name == ad_set.name for known in self._ad_sets):
            raise InvariantViolated(f"there is an ad set {ad_set.name!r} already", self.id)
        self._ad_sets.append(ad_set)

    def launch(self, reference: str) -> None:
        """Note that it runs, and under which *reference* the ad platform knows it."""
        if self.status is CampaignStatus.PAUSED:
            raise InvariantViolated("a paused campaign is resumed, not launched again", self.id)
        if not self._ad_sets:
            raise InvariantViolated("a campaign without ad sets is not launched", self.id)
        self._become(CampaignStatus.ACTIVE)
        self.reference = reference
        total = self.budget.total
        self._record(
            CampaignLaunched(self.id, self.brand_id, reference, total.cents, total.currency)
        )

    def pause(self) -> None:
        """Stop spending for now."""
        self._become(CampaignStatus.PAUSED)

    def resume(self) -> None:
        """Go on spending after a pause."""
        if self.status is not CampaignStatus.PAUSED:
            raise InvariantViolated(f"a {self.status} campaign is not resumed", self.id)
        self._become(CampaignStatus.ACTIVE)

    def spend(self, amount: Money) -> None:
        """Note that *amount* was spent. A spent budget completes the campaign."""
        if self.status is not CampaignStatus.ACTIVE:
            raise InvariantViolated(f"a {self.status} campaign does not spend", self.id)
        if not self.spent + amount <= self.budget.total:
            raise InvariantViolated(f"{amount} is more than the {self.left} that are left", self.id)
        self.spent += amount
        if not self.left.cents:
            self.complete()

    def complete(self) -> None:
        """Note that it is over."""
        self._become(CampaignStatus.COMPLETED)
        self._record(CampaignCompleted(self.id, self.spent.cents))

    def _become(self, status: CampaignStatus) -> None:
        self.status = _STATUS.check(self.status, status)
