"""``umt-sim explain``: explain a word of scenarios and verdicts, or an exit code."""

from __future__ import annotations

import difflib
import inspect

import click

__all__ = ["command"]


@click.command(
    "explain", short_help="Explain a metric, an invariant, a fault, a key or an exit code."
)
@click.argument("topic", required=False)
def command(topic: str | None) -> None:
    """Explain TOPIC; without one, list what can be explained."""
    topics = _topics()
    known = list(dict.fromkeys(name for name, _ in topics))
    if topic is None:
        for group, names in _groups().items():
            click.echo(f"{group}: {', '.join(names)}")
        return
    if topic not in known:
        near = difflib.get_close_matches(topic, known, n=1)
        hint = f'did you mean "{near[0]}"?' if near else "run umt-sim explain for all topics"
        raise click.UsageError(f'nothing is known about "{topic}"; {hint}')
    texts = [text for name, text in topics if name == topic]
    click.echo("\n\n".join((topic, *texts)))


def _groups() -> dict[str, list[str]]:
    from umt_sim.expectations.invariants import INVARIANTS
    from umt_sim.expectations.metrics import METRICS
    from umt_sim.expectations.verdicts import Status
    from umt_sim.faults.toxics import TOXICS

    return {
        "metrics": list(METRICS),
        "invariants": list(INVARIANTS),
        "toxics": list(TOXICS),
        "other faults": [name for name in _faults() if name not in TOXICS],
        "scenario keys": list(_keys()),
        "verdicts": [status.value for status in Status],
        "language": ["expect", "exit-codes"],
        "exit codes": list(_EXIT_CODES),
    }


def _topics() -> list[tuple[str, str]]:
    """Names and texts; a name may mean a metric and a toxic."""
    from umt_sim.expectations import grammar
    from umt_sim.expectations.invariants import INVARIANTS
    from umt_sim.expectations.metrics import METRICS
    from umt_sim.faults.toxics import TOXICS

    return [
        *((name, f"As a metric: {metric.explanation(name)}") for name, metric in METRICS.items()),
        *((name, inspect.getdoc(checker) or "") for name, checker in INVARIANTS.items()),
        *_faults().items(),
        *((name, f"As a toxic: {inspect.getdoc(kind)}") for name, kind in TOXICS.items()),
        *_keys().items(),
        *_VERDICTS.items(),
        ("expect", (grammar.__doc__ or "").strip()),
        ("exit-codes", "\n".join(f"{code:<5}{text}" for code, text in _EXIT_CODES.items())),
        *_EXIT_CODES.items(),
    ]


def _faults() -> dict[str, str]:
    """Everything a fault may do beside toxics, by its word in scenarios."""
    from umt_sim.scenario.schema.faults import Fault

    return {
        name: (field.description or "")
        for name, field in Fault.model_fields.items()
        if name in Fault.action_names()
    }


def _keys() -> dict[str, str]:
    """What stands under a key of a scenario: what it is, and what may stand in it."""
    from umt_sim.scenario.schema import (
        baseline,
        faults,
        policies,
        scenario,
        services,
        spans,
        workload,
    )
    from umt_sim.scenario.schema.block import Block

    blocks: dict[str, type[Block]] = {
        "clock": scenario.Clock,
        "rabbitmq": services.RabbitMQ,
        "postgres": services.Postgres,
        "redis": services.Redis,
        "http": services.Http,
        "open": workload.Open,
        "trace": workload.Trace,
        "closed": workload.Closed,
        "policies": policies.Policy,
        "retry": policies.Retry,
        "breaker": policies.Breaker,
        "bulkhead": policies.Bulkhead,
        "faults": faults.Fault,
        "random": faults.RandomFault,
        "spans": spans.Spans,
        "baseline": baseline.Baseline,
    }
    texts = {
        name: f"As a key: {field.description}"
        for name, field in scenario.Scenario.model_fields.items()
        if field.description
    }
    for name, block in blocks.items():
        lines = [f"As a key: {inspect.getdoc(block)}", ""]
        for field_name, field in block.model_fields.items():
            lines.append(f"  {field.alias or field_name:<16} {field.description or ''}".rstrip())
        texts[name] = "\n".join(lines)
    return texts


_VERDICTS = {
    "passed": "The expectation held, and its whole interval is on the right side of the limit.",
    "failed": "The expectation did not hold, and its whole interval is on the wrong side.",
    "inconclusive": (
        "The run cannot tell: a fault touched nothing, the baseline was not healthy, there\n"
        "were too few samples, or the interval spans the limit. Make the run longer or add\n"
        "seeds; an inconclusive run never counts as a pass."
    ),
    "errored": "The checker crashed, or the run itself did; the traceback says where.",
}

_EXIT_CODES = {
    "0": "everything expected held",
    "1": "an expectation or invariant failed, a number regressed, or a run was not carried out",
    "2": "the scenario or the command line is wrong; nothing was run",
    "3": "a service is missing, or the live world could not be set up",
    "4": "inconclusive: the run cannot tell; `umt-sim explain inconclusive` says why that may be",
    "130": "interrupted; everything was undone, and what was recorded until then is kept",
}
