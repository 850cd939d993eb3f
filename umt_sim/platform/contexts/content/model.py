"""Pieces of content: drafted, reviewed, tested, published, archived."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from string import Template as TextTemplate
from uuid import UUID

from umt_sim.platform.contexts.content.events import (
    ContentCreated,
    ContentPublished,
    ContentTested,
    ContentVersionAdded,
)
from umt_sim.platform.domain.identity import new_id
from umt_sim.platform.domain.model import AggregateRoot, ValueObject
from umt_sim.platform.domain.transitions import Transitions
from umt_sim.platform.errors import InvariantViolated

__all__ = [
    "Content",
    "ContentStatus",
    "ContentType",
    "ContentVersion",
    "Template",
    "TestResult",
    "Variation",
]


class ContentStatus(StrEnum):
    """Where a piece of content is on its way to the reader."""

    DRAFT = "draft"  # being written
    IN_REVIEW = "in_review"  # somebody is to approve it
    APPROVED = "approved"  # may go out
    SCHEDULED = "scheduled"  # goes out at a set time
    PUBLISHED = "published"  # readers see it
    ARCHIVED = "archived"  # over and done


class ContentType(StrEnum):
    """What kind of piece it is."""

    POST = "post"
    ARTICLE = "article"
    EMAIL = "email"
    AD = "ad"


_STATUS = Transitions(
    "content",
    {
        ContentStatus.DRAFT: (
            ContentStatus.IN_REVIEW,
            ContentStatus.APPROVED,
            ContentStatus.ARCHIVED,
        ),
        ContentStatus.IN_REVIEW: (
            ContentStatus.DRAFT,
            ContentStatus.APPROVED,
            ContentStatus.ARCHIVED,
        ),
        ContentStatus.APPROVED: (
            ContentStatus.SCHEDULED,
            ContentStatus.PUBLISHED,
            ContentStatus.ARCHIVED,
        ),
        ContentStatus.SCHEDULED: (
            ContentStatus.APPROVED,
            ContentStatus.PUBLISHED,
            ContentStatus.ARCHIVED,
        ),
        ContentStatus.PUBLISHED: (ContentStatus.ARCHIVED,),
    },
)


@dataclass(frozen=True, slots=True)
class Template(ValueObject):
    """A text with ``$placeholders``."""

    name: str
    text: str

    def validate(self) -> None:
        """A name, and a text whose placeholders can be read."""
        self.require(self.name.strip(), "a template has a name")
        self.require(TextTemplate(self.text).is_valid(), f"template {self.name!r} has a stray $")

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with every placeholder replaced; a value that is missing is an error."""
        try:
            return TextTemplate(self.text).substitute(values)
        except KeyError as error:
            raise InvariantViolated(f"template {self.name!r} needs a value for {error}") from None


@dataclass(frozen=True, slots=True)
class ContentVersion(ValueObject):
    """One text of a piece of content; numbers count from 1."""

    number: int
    body: str

    def validate(self) -> None:
        """A text that says something."""
        self.require(self.body.strip(), "a version has a body")


@dataclass(frozen=True, slots=True)
class Variation(ValueObject):
    """The same content told differently, to be tested against the others."""

    label: str
    body: str

    def validate(self) -> None:
        """A label and a text."""
        self.require(self.label.strip() and self.body.strip(), "a variation has a label and a body")


@dataclass(frozen=True, slots=True)
class TestResult(ValueObject):
    """
    Outcome of a test of two variations.

    Attributes:
        lift: Challenger's conversion rate over the control's, minus one.
        confidence: That the rates differ at all, 0 to 1 (two-sided).
    """

    __test__ = False  # pytest: the name is the business's, this is not a test

    control: str
    challenger: str
    lift: float
    confidence: float

    @property
    def winner(self) -> str:
        """The variation with the higher rate."""
        return self.challenger if self.lift > 0 else self.control

    @classmethod
    def compare(
        cls,
        control: str,
        challenger: str,
        *,
        impressions: tuple[int, int],
        conversions: tuple[int, int],
    ) -> TestResult:
        """
        Compare two conversion rates, control first.

        Source:
            The two-proportion z-test with pooled variance, as in any textbook of statistics.
        """
        for shown, converted in zip(impressions, conversions, strict=True):
            cls.require(
                0 <= converted <= shown and shown > 0,
                f"{converted} conversions of {shown} impressions cannot be compared",
            )
        first, second = (c / n for c, n in zip(conversions, impressions, strict=True))
        pooled = sum(conversions) / sum(impressions)
        spread = math.sqrt(pooled * (1 - pooled) * sum(1 / n for n in impressions))
        z = (second - first) / spread if spread else 0.0
        lift = second / first - 1 if first else math.copysign(1.0, second) if second else 0.0
        return cls(control, challenger, lift, math.erf(abs(z) / math.sqrt(2)))


class Content(AggregateRoot):
    """A piece of content with all its versions and variations."""

    __slots__ = (
        "_variations",
        "_versions",
        "brand_id",
        "channel",
        "content_type",
        "metadata",
        "reference",
        "scheduled_for",
        "status",
        "test_results",
        "title",
    )

    def __init__(
        self,
        identity: UUID,
        *,
        brand_id: UUID,
        title: str,
        content_type: ContentType,
        channel: str,
        versions: Iterable[ContentVersion],
        status: ContentStatus = ContentStatus.DRAFT,
        variations: Iterable[Variation] = (),
        test_results: Iterable[TestResult] = (),
        metadata: Mapping[str, str] | None = None,
        scheduled_for: datetime | None = None,
        reference: str = "",
        version: int = 0,
    ) -> None:
        super().__init__(identity, version)
        self._versions = list(versions)
        if not self._versions:
            raise InvariantViolated("content has at least one version", identity)
        if not title.strip():
            raise InvariantViolated("content has a title", identity)
        self.brand_id = brand_id
        self.title = title
        self.content_type = content_type
        self.channel = channel
        self.status = status
        self.metadata = dict(metadata or {})
        self.scheduled_for = scheduled_for
        self.reference = reference
        self.test_results = list(test_results)
        self._variations: dict[str, Variation] = {}
        for variation in variations:
            self.add_variation(variation)

    @classmethod
    def create(
        cls,
        *,
        brand_id: UUID,
        title: str,
        body: str,
        content_type: ContentType = ContentType.POST,
        channel: str = "site",
        variations: Iterable[Variation] = (),
        metadata: Mapping[str, str] | None = None,
        content_id: UUID | None = None,
    ) -> Content:
        """A new draft, with its event. Without *content_id* it gets a random id."""
        content = cls(
            content_id or new_id(),
            brand_id=brand_id,
            title=title,
            content_type=content_type,
            channel=channel,
            versions=[ContentVersion(1, body)],
            variations=variations,
            metadata=metadata,
        )
        content._record(ContentCreated(content.id, brand_id, title, channel))
        return content

    @property
    def versions(self) -> tuple[ContentVersion, ...]:
        """Every text, oldest first."""
        return tuple(self._versions)

    @property
    def variations(self) -> tuple[Variation, ...]:
        """The variations, in the order they were added."""
        return tuple(self._variations.values())

    @property
    def body(self) -> str:
        """The present text."""
        return self._versions[-1].body

    def rewrite(self, body: str) -> None:
        """Add a new version. What was approved has to be approved again."""
        if self.status in (ContentStatus.PUBLISHED, ContentStatus.ARCHIVED):
            raise InvariantViolated(f"{self.status} content is not rewritten", self.id)
        self._versions.append(ContentVersion(len(self._versions) + 1, body))
        self.status = ContentStatus.DRAFT
        self.scheduled_for = None
        self._record(ContentVersionAdded(self.id, len(self._versions)))

    def add_variation(self, variation: Variation) -> None:
        """Add *variation*; labels are used once."""
        if variation.label in self._variations:
            raise InvariantViolated(f"variation {variation.label!r} is there already", self.id)
        self._variations[variation.label] = variation

    def note_test(self, result: TestResult) -> None:
        """Keep the outcome of a test of the variations."""
        self.test_results.append(result)
        self._record(ContentTested(self.id, result.winner, result.lift, result.confidence))

    def submit(self) -> None:
        """Ask for approval."""
        self._become(ContentStatus.IN_REVIEW)

    def approve(self) -> None:
        """Let it go out, at no certain time."""
        self._become(ContentStatus.APPROVED)
        self.scheduled_for = None

    def schedule(self, moment: datetime, *, now: datetime) -> None:
        """Let it go out at *moment*, which lies ahead of *now*."""
        if moment <= now:
            raise InvariantViolated(f"{moment.isoformat()} is not in the future", self.id)
        self._become(ContentStatus.SCHEDULED)
        self.scheduled_for = moment

    def publish(self, reference: str) -> None:
        """Note that it went out, and under which *reference* its channel knows it."""
        self._become(ContentStatus.PUBLISHED)
        self.reference = reference
        self._record(ContentPublished(self.id, self.brand_id, self.channel, reference))

    def archive(self) -> None:
        """Put it away."""
        self._become(ContentStatus.ARCHIVED)

    def _become(self, status: ContentStatus) -> None:
        self.status = _STATUS.check(self.status, status)
