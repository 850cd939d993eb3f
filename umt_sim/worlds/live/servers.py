"""Private servers for tests and experiments, without a scenario and without a proxy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from umt_sim.servers.specs import Kind, ServiceSpec
from umt_sim.worlds.base import Endpoint
from umt_sim.worlds.live.ledger import Ledger
from umt_sim.worlds.live.programs.base import Program
from umt_sim.worlds.live.programs.instance import Instance
from umt_sim.worlds.live.providers.choosing import choose
from umt_sim.worlds.live.providers.private import run_folder

__all__ = ["one_server", "private_servers"]


@contextmanager
def private_servers(*kinds: Kind, provider: str = "system") -> Iterator[Mapping[str, Endpoint]]:
    """
    One server of each kind, on loopback; the endpoints by kind.

        with private_servers("rabbitmq", "postgres", "redis") as endpoints:
            connection = await asyncpg.connect(endpoints["postgres"].url)

    Args:
        kinds: ``rabbitmq``, ``postgres``, ``redis``.
        provider: ``system`` or ``embedded``.

    Raises:
        WorldUnavailable: One of them is not installed or does not start.
    """
    specs = [ServiceSpec(kind, kind) for kind in kinds]
    with Ledger.new() as ledger, ExitStack() as stack:
        chosen = choose(provider, specs)
        stack.callback(chosen.stop)
        sites = chosen.start(specs, ledger)
        yield {name: site.server for name, site in sites.items()}


@contextmanager
def one_server(program: Program) -> Iterator[Instance]:
    """
    A running instance of *program*, to be stopped, killed and frozen at will.

    Raises:
        WorldUnavailable: It does not start.
    """
    with (
        Ledger.new() as ledger,
        Instance(program, ledger=ledger, home=run_folder(ledger) / program.name) as instance,
    ):
        yield instance
