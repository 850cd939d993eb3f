"""
Where a scenario's services come from.

- ``base``: what every world offers, and what a system under test is given. Start here.
- ``sim``: services in virtual time on a simulated network.
- ``live``: real servers behind a real Toxiproxy.

The worlds do not know each other; only ``umt_sim.bootstrap`` names one.
"""
