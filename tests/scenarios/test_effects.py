"""What took place is told by upstreams and tables, so that duplicates and leftovers are seen."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from umt_sim.analysis import Result
from umt_sim.bootstrap import run
from umt_sim.journal.records import EffectRecord
from umt_sim.servers.http import HttpUpstream

SCENARIO = """
version: 1
name: effects
description: the answers of the social network and the ad platform are lost for a while
seed: 5
clock: {duration: 12s, warmup: 1s, drain: 40s}
system: umt
services:
  rabbitmq: {kind: rabbitmq}
  postgres: {kind: postgres}
  redis: {kind: redis}
  llm: {kind: http, app: llm}
  social: {kind: http, app: social}
  ads: {kind: http, app: ads}
workload:
  - name: create_content
    arrivals: {model: open, process: poisson, stages: [{rate: 4/s, for: 12s}]}
  - name: launch_campaign
    arrivals: {model: open, process: poisson, stages: [{rate: 2/s, for: 12s}]}
policies:
  social: {timeout: 1s, retry: {max_attempts: 3}}
  ads: {timeout: 1s, retry: {max_attempts: 3}}
faults:
  silence:
    {at: 3s, for: 2s, target: social, toxic: {type: timeout, stream: downstream, timeout: 0ms}}
  hush: {at: 6s, for: 2s, target: ads, toxic: {type: timeout, stream: downstream, timeout: 0ms}}
expect:
  - error_rate(create_content) < 100%
invariants: [no_duplicate_effects, outbox_drained]
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "effects.yaml"
    path.write_text(SCENARIO)
    return path


def verdicts(result: Result) -> dict[str, str]:
    return {verdict.name: verdict.status.value for verdict in result.verdict.verdicts}


def test_retries_of_lost_answers_make_no_duplicates(scenario: Path) -> None:
    """Upstreams keep their word: each key took effect once, and everything asked for is there."""
    result = run(scenario)
    found = verdicts(result)
    assert "passed" == found["no_duplicate_effects"] == found["outbox_drained"], result.summary()
    kinds = Counter(effect.kind for effect in result.journal.of(EffectRecord))
    assert {
        "ads.launch",
        "brand.created",
        "campaign.created",
        "content.created",
        "social.publish",
    } == set(kinds)
    assert kinds["ads.launch"] >= kinds["campaign.created"] > 10


def test_an_upstream_that_ignores_keys_is_caught(
    scenario: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same retries take effect again, the upstream's own log shows it, and the run fails."""
    careless = partial(HttpUpstream, honours_idempotency=False)
    monkeypatch.setattr("umt_sim.worlds.sim.services.HttpUpstream", careless)
    result = run(scenario)
    assert "failed" == verdicts(result)["no_duplicate_effects"], result.summary()
    effects = Counter((e.kind, e.key) for e in result.journal.of(EffectRecord))
    twice = {kind for (kind, _), count in effects.items() if count > 1}
    assert {"ads.launch", "social.publish"} == twice
