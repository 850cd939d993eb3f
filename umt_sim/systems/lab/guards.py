"""A scenario's policies as guards of the platform, whose events the journal hears."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from umt_sim.platform.adapters.system import SystemClock
from umt_sim.platform.policies import MakeBreaker, build_policy
from umt_sim.platform.resilience import ResiliencePolicy
from umt_sim.systems.base import Setting
from umt_sim.systems.journalist import Journalist
from umt_sim.systems.policies import policy_settings

__all__ = ["SHARED", "guards", "option"]

SHARED = "shared"
"""Name of the policy for everything that has none of its own."""


def guards(
    setting: Setting, make_breaker: MakeBreaker | None = None
) -> Mapping[str, ResiliencePolicy]:
    """
    One policy of the platform for each of the scenario.

    *make_breaker* puts another library's breakers in the place of ours.
    """
    return {
        name: build_policy(
            name,
            policy_settings(values),
            clock=SystemClock(),
            randomness=setting.stream(f"policies/{name}"),
            listeners=(Journalist(setting.recorder).hear,),
            make_breaker=make_breaker,
        )
        for name, values in setting.policies.items()
    }


def option(setting: Setting, policy: str, name: str, default: Any) -> Any:
    """What a scenario gives under ``policies.<policy>.settings.<name>``."""
    return setting.policies.get(policy, {}).get("settings", {}).get(name, default)
