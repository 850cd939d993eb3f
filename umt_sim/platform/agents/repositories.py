"""Where agents look aggregates up: one repository per kind, whatever keeps them."""

from __future__ import annotations

from dataclasses import dataclass

from umt_sim.platform.contexts.analytics.postgres import (
    PostgresMetricCollectionRepository,
    PostgresReportRepository,
)
from umt_sim.platform.contexts.analytics.repository import (
    MetricCollectionRepository,
    ReportRepository,
)
from umt_sim.platform.contexts.brand.postgres import (
    PostgresBrandRepository,
    PostgresProjectRepository,
)
from umt_sim.platform.contexts.brand.repository import BrandRepository, ProjectRepository
from umt_sim.platform.contexts.campaign.postgres import PostgresCampaignRepository
from umt_sim.platform.contexts.campaign.repository import CampaignRepository
from umt_sim.platform.contexts.content.postgres import PostgresContentRepository
from umt_sim.platform.contexts.content.repository import ContentRepository
from umt_sim.platform.contexts.integration.postgres import PostgresIntegrationRepository
from umt_sim.platform.contexts.integration.repository import IntegrationRepository
from umt_sim.platform.ports.database import Session

__all__ = ["Repositories", "postgres_repositories"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repositories:
    """Every repository of the platform, as its context's port."""

    brands: BrandRepository
    projects: ProjectRepository
    contents: ContentRepository
    campaigns: CampaignRepository
    metrics: MetricCollectionRepository
    reports: ReportRepository
    integrations: IntegrationRepository


def postgres_repositories(session: Session) -> Repositories:
    """All of them on one PostgreSQL database."""
    return Repositories(
        brands=PostgresBrandRepository(session),
        projects=PostgresProjectRepository(session),
        contents=PostgresContentRepository(session),
        campaigns=PostgresCampaignRepository(session),
        metrics=PostgresMetricCollectionRepository(session),
        reports=PostgresReportRepository(session),
        integrations=PostgresIntegrationRepository(session),
    )
