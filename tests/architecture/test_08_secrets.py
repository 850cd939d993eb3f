"""Credentials are sealed at rest, and stay out of logs, spans, messages, reprs and answers."""

from __future__ import annotations

import gzip
import logging
from pathlib import Path
from uuid import UUID

import pytest

from tests.fakes.confidant import SECRETS, database_dumps
from umt_sim.bootstrap import run
from umt_sim.journal.records import LogLine, MessageEvent, OperationRecord, SpanRow
from umt_sim.journal.storage import save
from umt_sim.platform.configuration import (
    Configuration,
    HttpSettings,
    PostgresSettings,
    RabbitMQSettings,
    RedisSettings,
)
from umt_sim.platform.contexts.integration.commands import ConnectPlatform, RefreshCredentials
from umt_sim.platform.contexts.integration.model import Credentials
from umt_sim.servers.rabbitmq.protocol.connection import Connection

SCENARIO = """
version: 1
name: secrets
description: accounts are connected while everything around them fails in turn
seed: 11
clock: {duration: 30s, warmup: 1s, drain: 60s}
system: tests.fakes.confidant:start
services:
  rabbitmq: {kind: rabbitmq}
  postgres: {kind: postgres}
  redis: {kind: redis}
  llm: {kind: http, app: llm, errors: {500: 20%}}
  social: {kind: http, app: social, errors: {500: 20%}}
workload:
  - {name: connect, arrivals: {model: open, process: poisson, stages: [{rate: 2/s, for: 30s}]}}
faults:
  no-upstream: {at: 5s, for: 3s, target: social, down: true}
  no-broker: {at: 10s, for: 3s, target: rabbitmq, down: true}
  no-database: {at: 15s, for: 3s, target: postgres, down: true}
  no-cache: {at: 20s, for: 3s, target: redis, down: true}
  power-cut: {at: 25s, for: 2s, host: auth-integration-agent, crash: true}
expect:
  - error_rate(connect) < 100%
"""


def told_secrets(where: str) -> list[str]:
    return [secret for secret in SECRETS if secret in where]


def test_no_secret_leaves_its_envelope(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Journal with debug logs, everything sent to the broker, and a dump of the database."""
    sent: list[bytes] = []
    receive = Connection.data_received

    def tapped(self: Connection, data: bytes) -> None:
        sent.append(data)
        receive(self, data)

    monkeypatch.setattr(Connection, "data_received", tapped)
    caplog.set_level(logging.DEBUG)  # of every driver, too
    scenario, folder = tmp_path / "secrets.yaml", tmp_path / "run"
    scenario.write_text(SCENARIO)
    folder.mkdir()
    database_dumps.clear()

    journal = run(scenario).journal
    save(journal, folder)

    for kind in (OperationRecord, SpanRow, LogLine, MessageEvent):
        assert journal.of(kind), f"the run recorded no {kind.__name__}"
    connected = {row.outcome.value for row in journal.of(OperationRecord) if row.outcome}
    assert "ok" in connected
    assert connected & {"fail", "info"}
    for path in folder.iterdir():
        raw = path.read_bytes()
        text = gzip.decompress(raw) if path.suffix == ".gz" else raw
        assert [] == told_secrets(text.decode("utf-8", "replace")), path.name
    wire = b"".join(sent)
    assert b"connect_platform" in wire
    assert [] == told_secrets(wire.decode("utf-8", "replace"))
    (dump,) = database_dumps
    assert "integrations: " in dump
    assert [] == told_secrets(dump)


def test_no_repr_shows_a_secret() -> None:
    """Settings, commands and credentials can be printed."""
    first, second, third = SECRETS
    shown = [
        Configuration(
            rabbitmq=RabbitMQSettings(password=first),
            redis=RedisSettings(password=second),
            postgres=PostgresSettings(password=third),
            upstreams={"llm": HttpSettings(base_url="http://llm", token=first)},
            credentials_keys=(second.encode(),),
        ),
        ConnectPlatform(
            brand_id=UUID(int=1), platform="social", account="acme", sealed_credentials=first
        ),
        RefreshCredentials(integration_id=UUID(int=1), sealed_credentials=second),
        Credentials(third.encode()),
    ]
    assert [] == told_secrets(f"{shown!r} {[str(one) for one in shown]}")
