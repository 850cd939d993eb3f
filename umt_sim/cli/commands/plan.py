"""``umt-sim plan``: show what a scenario would do, without doing it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from umt_sim.cli.options import editing, scenario

if TYPE_CHECKING:
    from umt_sim.scenario.plan import Plan, WorldName
    from umt_sim.workload.values import Load, OpenArrivals

__all__ = ["command"]

_WIDTH = 60


@click.command("plan", short_help="Show what a scenario would do, without doing it.")
@scenario
@editing
@click.option("--json", "as_json", is_flag=True, help="Print the frozen plan as JSON.")
def command(
    scenario: str, seed: int | None, world: WorldName, overrides: tuple[str, ...], as_json: bool
) -> None:
    """Show the services, load, faults and expectations of SCENARIO on their timeline."""
    from umt_sim.scenario.loader import load

    plan = load(scenario, seed=seed, world=world, overrides=overrides)
    if as_json:
        click.echo(json.dumps(plan.as_dict(), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(_lines(plan)))


def _lines(plan: Plan) -> list[str]:
    clock = plan.clock
    return [
        f"{plan.name}  {plan.description}".rstrip(),
        f"{plan.world} world, {_seeds(plan)}, system {plan.system}",
        f"{clock.duration:g} s of load ({clock.warmup:g} s warm-up), {clock.drain:g} s to drain",
        "",
        *_section("services", [f"{s.name:<22} {s.kind}" for s in plan.services.values()]),
        *_section("load", [_load(load) for load in plan.workload]),
        *_section("timeline", _timeline(plan)),
        *_section("expected", [*map(str, plan.expectations), *plan.invariants]),
        *_section("aborted by", [*map(str, plan.abort)]),
        *_section("swept", [_swept(path, values) for path, values in plan.sweep.items()]),
    ]


def _seeds(plan: Plan) -> str:
    if len(plan.seeds) == 1:
        return f"seed {plan.seed}"
    return f"{len(plan.seeds)} seeds from {plan.seeds[0]} to {plan.seeds[-1]}"


def _swept(path: str, values: Sequence[object]) -> str:
    return f"{path}: {', '.join(map(str, values))}"


def _section(title: str, lines: list[str]) -> list[str]:
    return [title, *(f"  {line}" for line in lines), ""] if lines else []


def _load(load: Load) -> str:
    from umt_sim.expectations.wording import counted
    from umt_sim.workload.values import OpenArrivals, TraceArrivals

    match load.arrivals:
        case OpenArrivals() as arrivals:
            who = _course(arrivals)
        case TraceArrivals(times=times):
            who = f"{counted(len(times), 'request')} at recorded times"
        case closed:
            who = f"{counted(closed.users, 'user')}, {closed.think.mean:g} s of thought on average"
    return f"{load.name:<22} {who}"


def _course(arrivals: OpenArrivals) -> str:
    """An open load in words: how its rate goes, and how much it asks for in all."""
    first = arrivals.stages[0].start_rate
    rates = [f"{first:g}/s", *(f"{stage.end_rate:g}/s" for stage in arrivals.stages)]
    steps = [rate for rate, before in zip(rates, ["", *rates], strict=False) if rate != before]
    course = " to ".join(steps)
    bursts = f", in bursts of {arrivals.burst}" if arrivals.burst > 1 else ""
    if arrivals.repeat:
        return f"{arrivals.process}, {course}{bursts}, again and again"
    total = sum(stage.expected for stage in arrivals.stages)
    return f"{arrivals.process}, {course}{bursts}, about {total:.0f} requests"


def _timeline(plan: Plan) -> list[str]:
    """Each window as a bar over the duration of the run."""
    lines = []
    for window in plan.timeline.windows.values():
        start = round(window.start / plan.clock.duration * _WIDTH)
        end = max(start + 1, round(window.end / plan.clock.duration * _WIDTH))
        bar = "·" * start + "█" * (end - start) + "·" * (_WIDTH - end)
        what = next((f for f in plan.timeline.faults if f.name == window.name), None)
        label = f"{what.action.kind} of {what.action.target}" if what is not None else ""
        lines.append(f"{window.name:<14} {bar} {window.start:g}-{window.end:g} s  {label}".rstrip())
    return lines
