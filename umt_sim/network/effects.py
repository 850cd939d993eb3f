"""
How each action of a fault happens in the network, and how it is undone.

One function for each group of actions. Each makes an ``Effect`` real: it counts
what the fault meets, and says how to take everything back.
"""

from __future__ import annotations

from contextlib import ExitStack
from errno import ECONNRESET, ETIMEDOUT
from typing import TYPE_CHECKING

from umt_sim.faults.actions import (
    Action,
    AddToxic,
    ClockSkew,
    ConnectHang,
    ConnectRefused,
    Crash,
    DiskFull,
    Down,
    HalfOpen,
    Hold,
    Kill,
    LostCommit,
    Partition,
    Pause,
    RetransmissionDelay,
    ServerRestart,
    Stream,
    TimedOut,
)
from umt_sim.kernel.hosts import Host
from umt_sim.network.pipes import pipe_for
from umt_sim.network.proxy import Proxy
from umt_sim.network.route import Loss
from umt_sim.network.site import Obstacle, Site
from umt_sim.network.touched import Touched
from umt_sim.network.toxic import Direction, Toxic

if TYPE_CHECKING:
    from umt_sim.network.network import Network

__all__ = ["Effect", "begin"]


class Effect:
    """
    A fault that is active.

    Attributes:
        touched: What it has met so far.
        undo: Closing it takes everything back, the latest step first.
    """

    def __init__(self) -> None:
        self.touched = Touched()
        self.undo = ExitStack()


def begin(network: Network, fault: str, action: Action) -> Effect:
    """
    Let *action* happen.

    Raises:
        ValueError: Its target is unknown; the message lists those there are.
        TypeError: *action* is none of ``umt_sim.faults.actions``.
    """
    effect = Effect()
    match action:
        case AddToxic():
            _add_toxic(network, fault, action, effect)
        case Down():
            _down(network, action, effect)
        case Partition() | Hold() | RetransmissionDelay():
            _between_hosts(network, fault, action, effect)
        case ConnectRefused() | ConnectHang():
            site, port = network.place(action.target)
            answers = isinstance(action, ConnectRefused)
            _obstruct(site, Obstacle(effect.touched, port, answers), effect)
        case HalfOpen() | TimedOut():
            _break(network, action, effect)
        case Crash() | Kill() | Pause() | ClockSkew():
            _on_host(network, action, effect)
        case ServerRestart() | DiskFull() | LostCommit():
            _watch_server(network, action, effect)
        case _:
            raise TypeError(f"{type(action).__name__} is no action of umt_sim.faults.actions")
    return effect


def _add_toxic(network: Network, fault: str, action: AddToxic, effect: Effect) -> None:
    """On both streams it is two toxics that count what they meet together."""
    proxy = _proxy(network, action.target)
    for direction in Direction:
        if action.stream in (Stream(direction.value), Stream.BOTH):
            pipe = pipe_for(action.toxic.type, action.toxic.attributes())
            name = f"{fault}_{direction.value}"
            proxy.install(Toxic(name, direction, pipe, action.toxicity, effect.touched))
            effect.undo.callback(proxy.remove_toxic, name)


def _down(network: Network, action: Down, effect: Effect) -> None:
    """Counts the connections it ends and the attempts it refuses."""
    proxy = _proxy(network, action.target)
    site, port = network.place(action.target)
    effect.undo.callback(proxy.enable)
    _obstruct(site, Obstacle(effect.touched, port, answers=True), effect)
    proxy.disable(touched=effect.touched)


def _between_hosts(
    network: Network,
    fault: str,
    action: Partition | Hold | RetransmissionDelay,
    effect: Effect,
) -> None:
    left, right = network.site(action.left).name, network.site(action.right).name
    routes = [network.route(left, right), network.route(right, left)]
    touched, undo = effect.touched, effect.undo
    match action:
        case Partition(one_way=one_way):
            for route in routes[:1] if one_way else routes:
                route.cut(touched)
                undo.callback(route.mend, touched)
        case Hold():
            for route in routes:
                route.hold(touched)
                undo.callback(route.release, touched)
        case RetransmissionDelay():
            stream = network.stream(f"network/loss/{fault}")
            loss = Loss(action.loss, action.timeout_ms / 1000, stream, touched)
            for route in routes:
                route.lose(loss)
                undo.callback(route.stop_losing, loss)


def _obstruct(site: Site, obstacle: Obstacle, effect: Effect) -> None:
    site.obstacles.append(obstacle)
    effect.undo.callback(site.obstacles.remove, obstacle)


def _break(network: Network, action: HalfOpen | TimedOut, effect: Effect) -> None:
    """Break the connections that the target has accepted: at its own end, or at both."""
    site, port = network.place(action.target)
    for end in list(site.connections):
        if end.accepted_by and end.alive and port in (None, end.local[1]):
            effect.touched.meet(end, end.unread)
            if isinstance(action, HalfOpen):
                end.fail(OSError(ECONNRESET, "Connection reset by peer"))
            else:
                for side in (end, end.incoming.sender):
                    side.fail(OSError(ETIMEDOUT, "Connection timed out"))


def _on_host(network: Network, action: Crash | Kill | Pause | ClockSkew, effect: Effect) -> None:
    """
    Counts the connections that are open at the beginning.

    While a host is crashed it also counts what is sent there in vain; a pause
    or a wrong clock, the connections open at its end and what lies unread then.
    """
    site, host = network.site(action.host), network.host(action.host)
    _meet_connections(site, effect.touched)
    match action:
        case Crash():
            network.crash(host, effect.touched)
            effect.undo.callback(host.restart)
        case Kill():
            network.kill(host)
            effect.undo.callback(host.restart)
        case Pause():
            host.pause()
            effect.undo.callback(host.resume)
            effect.undo.callback(_meet_connections, site, effect.touched)
        case ClockSkew(offset_s=offset):
            _skew(host, offset)
            effect.undo.callback(_skew, host, -offset)
            effect.undo.callback(_meet_connections, site, effect.touched)


def _watch_server(
    network: Network, action: ServerRestart | DiskFull | LostCommit, effect: Effect
) -> None:
    """Count the connections of the server; what happens in it is its owner's business."""
    site = network.site(_proxy(network, action.service).upstream[0])
    _meet_connections(site, effect.touched)
    effect.undo.callback(_meet_connections, site, effect.touched)


def _skew(host: Host, offset: float) -> None:
    host.clock_skew += offset


def _meet_connections(site: Site, touched: Touched) -> None:
    for end in site.connections:
        if end.alive:
            touched.meet(end, end.unread)


def _proxy(network: Network, name: str) -> Proxy:
    if name not in network.proxies:
        names = ", ".join(network.proxies) or "none"
        raise ValueError(f"the network has no proxy {name!r}; it has {names}")
    return network.proxies[name]
