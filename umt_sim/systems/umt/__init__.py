"""
The built-in system: the Ultimate Marketing Team platform at a scenario's endpoints.

- ``running``: the platform's processes on the world's hosts. Start here.
- ``users``: what the operations of a workload do.
- ``auditor``: what is in the platform's tables, for the journal.

What a scenario may name is stated here, so that checking a file does not import
every driver; a test holds it to the platform.
"""

from __future__ import annotations

from umt_sim.systems.base import Start, System

__all__ = ["UMT"]

OPERATIONS = (
    "create_content",
    "launch_campaign",
    "onboard_brand",
    "update_brand",
    "generate_variations",
    "collect_metrics",
    "recommend_topics",
    "research_competitors",
    "read_dashboard",
)
POLICIES = (
    "content-creation",
    "campaign-launch",
    "broker",
    "database",
    "cache",
    "llm",
    "social",
    "ads",
    "cms",
)
HOSTS = (
    "auth-integration-agent",
    "brand-management-agent",
    "content-strategy-agent",
    "content-creation-agent",
    "content-ad-management-agent",
    "marketing-client",
    "dashboard",
)
SERVICES = {"rabbitmq": "rabbitmq", "postgres": "postgres", "redis": "redis", "llm": "http"}


def _load() -> Start:
    from umt_sim.systems.umt.running import start

    return start


UMT = System(
    name="umt",
    load=_load,
    operations=OPERATIONS,
    policies=POLICIES,
    services=SERVICES,
    hosts=HOSTS,
    settings=False,
    guarded=True,
)
"""The built-in system."""
