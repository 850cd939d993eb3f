"""``umt-sim init``: write a scenario to start from."""

from __future__ import annotations

import difflib
import re
import shlex
from pathlib import Path

import click

__all__ = ["command"]

_SCHEMA = "scenario.schema.json"

_MODELINE = f"# yaml-language-server: $schema={_SCHEMA}\n"
_STARTER = """\
version: 1
name: scenario
description: RabbitMQ answers 900 ms late for 30 s while content is being created
seed: 1
clock: {duration: 2m, warmup: 10s, drain: 30s}
system: umt                     # or package.module:factory, for a program of your own

services:                       # what each is and, for the sim world, how fast it is
  rabbitmq: {kind: rabbitmq, publish: {dist: lognormal, p50: 1ms, p99: 8ms}, workers: 4}
  postgres: {kind: postgres, query: {dist: exponential, mean: 3ms}, workers: 8}
  redis:    {kind: redis, command: 200us}
  llm:      {kind: http, app: llm, request: {dist: lognormal, p50: 200ms, p99: 1s}}
  social:   {kind: http, app: social, request: 50ms}
  ads:      {kind: http, app: ads, request: 50ms}

workload:
  - name: create_content
    arrivals: {model: open, process: poisson, rate: 10/s, max_in_flight: 500}

faults:                         # each key names a window that expectations refer to
  brownout:
    at: 40s
    for: 30s
    target: rabbitmq
    toxic: {type: latency, stream: both, latency: 900ms, jitter: 200ms}

expect:
  - latency(create_content).p95 < 2s during baseline
  - error_rate(create_content) < 20% during brownout
  - latency(create_content).p95 < 2s after brownout within 20s for 10s
invariants: [no_unhandled_errors, breaker_transitions_legal, queues_drain]
"""


def _completions(_: click.Context, __: click.Parameter, begun: str) -> list[str]:
    """The names of shipped scenarios, for the shell."""
    from umt_sim.scenario.shipped import shipped_scenarios

    return [name for name in shipped_scenarios() if name.startswith(begun)]


@click.command("init", short_help="Write a scenario to start from.")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option(
    "--like",
    metavar="NAME",
    shell_complete=_completions,
    help="Begin with a shipped scenario; docs/scenarios.md says what each teaches.",
)
@click.option("--force", is_flag=True, help="Overwrite what is there.")
def command(path: Path | None, like: str | None, force: bool) -> None:
    """Write a scenario to PATH, and beside it the schema that lets editors complete it."""
    from umt_sim.scenario.published import schema_text

    text = _STARTER if like is None else _shipped(like)
    path = path or Path(f"{like or 'scenario'}.yaml")
    if path.exists() and not force:
        raise click.UsageError(f"{path} exists; choose another name or add --force")
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = path.parent / _SCHEMA
    schema.write_text(schema_text(), encoding="utf-8")
    path.write_text(f"{_MODELINE}{_named(text, _name(path))}", encoding="utf-8")
    click.echo(f"wrote {path} and {schema}")
    click.echo(f"next: umt-sim run {shlex.quote(str(path))}")


def _shipped(name: str) -> str:
    """The text of the shipped scenario *name*."""
    from umt_sim.scenario.shipped import shipped_scenarios

    shipped = shipped_scenarios()
    if name not in shipped:
        near = difflib.get_close_matches(name, shipped, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(shipped)}"
        raise click.UsageError(f'no scenario "{name}" is shipped; {hint}')
    return shipped[name].read_text(encoding="utf-8")


def _named(text: str, name: str) -> str:
    """A scenario under another name."""
    return re.sub("^name: .*$", f"name: {name}", text, count=1, flags=re.MULTILINE)


def _name(path: Path) -> str:
    """A scenario's name from that of its file, as YAML has it: quoted where it looks like more."""
    from umt_sim.scenario.yaml import parse_scalar

    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", path.stem).strip("-_.") or "scenario"
    return name if isinstance(parse_scalar(name, "name"), str) else f'"{name}"'
