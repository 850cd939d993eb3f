"""Every task and event with its payload: the language the agents share."""

from __future__ import annotations

from umt_sim.platform.contexts.analytics import commands as analytics
from umt_sim.platform.contexts.analytics import events as analytics_events
from umt_sim.platform.contexts.brand import commands as brand
from umt_sim.platform.contexts.brand import events as brand_events
from umt_sim.platform.contexts.campaign import commands as campaign
from umt_sim.platform.contexts.campaign import events as campaign_events
from umt_sim.platform.contexts.content import commands as content
from umt_sim.platform.contexts.content import events as content_events
from umt_sim.platform.contexts.integration import commands as integration
from umt_sim.platform.contexts.integration import events as integration_events
from umt_sim.platform.messages.registry import PayloadRegistry

__all__ = ["CATALOGUE", "build_catalogue"]

TASKS: dict[str, type] = {
    "onboard_brand": brand.OnboardBrand,
    "update_brand": brand.UpdateBrand,
    "create_project": brand.CreateProject,
    "create_content": content.CreateContent,
    "generate_variations": content.GenerateVariations,
    "score_variation": content.ScoreVariation,
    "publish_content": content.PublishContent,
    "launch_campaign": campaign.LaunchCampaign,
    "collect_metrics": campaign.CollectMetrics,
    "analyze_content": analytics.AnalyzeContent,
    "research_competitors": analytics.ResearchCompetitors,
    "recommend_topics": analytics.RecommendTopics,
    "connect_platform": integration.ConnectPlatform,
    "refresh_credentials": integration.RefreshCredentials,
    "sync_platform": integration.SyncPlatform,
}

EVENTS = (
    brand_events.BrandCreated,
    brand_events.BrandUpdated,
    brand_events.ProjectCreated,
    content_events.ContentCreated,
    content_events.ContentVersionAdded,
    content_events.ContentTested,
    content_events.ContentPublished,
    campaign_events.CampaignLaunched,
    campaign_events.CampaignCompleted,
    analytics_events.MetricsCollected,
    analytics_events.InsightDiscovered,
    analytics_events.StrategyRecommended,
    integration_events.IntegrationConnected,
    integration_events.IntegrationSyncCompleted,
    integration_events.IntegrationSyncFailed,
)


def build_catalogue() -> PayloadRegistry:
    """A registry of everything above."""
    registry = PayloadRegistry()
    for task_type, payload in TASKS.items():
        registry.register_task(task_type, payload)
    for event in EVENTS:
        registry.register_event(event.event_type, event)
    return registry


CATALOGUE = build_catalogue()
"""Read only: the same in every agent of one release."""
