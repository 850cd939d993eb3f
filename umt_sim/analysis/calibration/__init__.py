"""
From a run against real servers to service times for the simulated ones.

- ``calibrating``: reads the client spans of a run. Start here.
- ``block``: the result as the ``services`` of a scenario.
"""

from umt_sim.analysis.calibration.block import services_block
from umt_sim.analysis.calibration.calibrating import Calibration, FittedTime, calibrate

__all__ = ["Calibration", "FittedTime", "calibrate", "services_block"]
