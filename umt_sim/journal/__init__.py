"""
The append-only record of a run. Expectations, plots and reports read only this.

- ``records``: what can happen, as frozen rows. Start here.
- ``recorder``: writes them during a run; closing it gives the read-only ``Journal``.
- ``spans``: turns finished OpenTelemetry spans into rows, with seeded ids.
- ``sampling``: chooses which of their traces are kept.
- ``logs``: turns log records into rows.
- ``storage``: a run folder on disk and back.
- ``parquet``: its tables for tools that read columns.
- ``stream``: records as JSON lines while they happen.
"""
