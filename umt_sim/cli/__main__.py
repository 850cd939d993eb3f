"""``python -m umt_sim.cli``."""

from umt_sim.cli import main

main()
