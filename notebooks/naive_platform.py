"""
The platform with one agent replaced: it saves, then publishes, without an outbox.

A system for scenarios that are run in this folder: ``system: naive_platform:save_then_publish``.
"""

from __future__ import annotations

import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from umt_sim.platform.application import AGENTS
from umt_sim.systems.base import Setting
from umt_sim.systems.umt.running import start
from umt_sim.workload.operations import Operations

sys.path.append(str(Path(__file__).parents[1] / "docs" / "examples" / "platform"))

from save_then_publish import SaveThenPublish

__all__ = ["save_then_publish"]


def save_then_publish(setting: Setting) -> AbstractAsyncContextManager[Operations]:
    """Start the platform with a content creation agent as everybody writes it first."""
    return start(setting, agents={**AGENTS, "content-creation-agent": SaveThenPublish})
