"""Servers of the live world without a run: start them, stop them, look for them, clean up."""

from __future__ import annotations

from umt_sim.worlds.live.inspection import Finding, inspect, left_behind
from umt_sim.worlds.live.ledger import replay
from umt_sim.worlds.live.standing import Standing, down, up

__all__ = ["Finding", "Standing", "down", "inspect", "left_behind", "replay", "up"]
