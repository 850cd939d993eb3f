"""
What a scenario file may say. The only place where pydantic is used for scenarios.

- ``scenario``: the whole file. Start here.
- ``services``, ``workload``, ``policies``, ``faults``, ``toxics``, ``times``: its parts;
  each builds the frozen value it describes.
- ``quantities``: durations, rates, sizes and shares as field types.
- ``block``: what every mapping has in common.
"""
