"""The gateway to Toxiproxy, against our stand-in and against servers that misbehave."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from toxiproxy import api
from toxiproxy.api import APIConsumer

from umt_sim.errors import ToxiproxyError, WorldError, WorldUnavailable
from umt_sim.worlds.live.gateway import Gateway
from umt_sim.worlds.live.ledger import Ledger
from umt_sim.worlds.live.programs.own import Own
from umt_sim.worlds.live.servers import one_server
from umt_sim.worlds.live.undo import DeleteProxy, EnableProxy, RemoveToxic

LATENCY = {"latency": 100, "jitter": 0}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Port of the API of our stand-in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UMT_SIM_STATE", str(tmp_path_factory.mktemp("state")))
        with one_server(Own("toxiproxy")) as server:
            yield server.port


@pytest.fixture
def gateway(port: int) -> Iterator[Gateway]:
    """A gateway with one proxy, ``p``."""
    gateway = Gateway("127.0.0.1", port)
    gateway.create_proxy("p", listen="127.0.0.1:0", upstream="127.0.0.1:9")
    yield gateway
    gateway.delete_proxy("p")


@contextmanager
def _answering(status: int, body: str, seen: list[str] | None = None) -> Iterator[Gateway]:
    """A server that always says the same."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if seen is not None:
                seen.append(self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_DELETE = do_PATCH = do_GET

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Gateway("127.0.0.1", server.server_address[1], token="secret")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _slow(gateway: Gateway, name: str = "slow") -> None:
    gateway.add_toxic(
        "p", name, type="latency", stream="upstream", toxicity=1.0, attributes=LATENCY
    )


def test_toxics_come_and_go(gateway: Gateway) -> None:
    """By name; removing one that is not there is an error that says so."""
    _slow(gateway)
    assert ["slow"] == gateway.toxics("p")
    gateway.remove_toxic("p", "slow")
    assert [] == gateway.toxics("p")
    with pytest.raises(ToxiproxyError, match=r"404.*toxic not found") as caught:
        gateway.remove_toxic("p", "slow")
    assert caught.value.absent


def test_a_proxy_is_switched_off_and_on(gateway: Gateway) -> None:
    """Which the library does without a deadline, and by a call that is going away."""
    gateway.set_enabled("p", enabled=False)
    assert not gateway.is_enabled("p")
    gateway.set_enabled("p", enabled=True)
    assert gateway.is_enabled("p")


def test_the_library_is_left_as_it_was_found(gateway: Gateway) -> None:
    """Its target and its ``requests`` are ours for the length of a call only."""
    before = (APIConsumer.host, APIConsumer.port, api.requests)
    _slow(gateway)
    with pytest.raises(ToxiproxyError):
        _slow(gateway)
    assert before == (APIConsumer.host, APIConsumer.port, api.requests)


def test_gateways_of_two_servers_do_not_mix(gateway: Gateway) -> None:
    """The library keeps one target for all; every call points it anew."""
    with _answering(200, "{}") as other:
        with pytest.raises(ToxiproxyError, match="has no proxy 'p'"):
            other.add_toxic(
                "p", "slow", type="latency", stream="upstream", toxicity=1.0, attributes=LATENCY
            )
        _slow(gateway)
    assert ["slow"] == gateway.toxics("p")


def test_every_failure_is_one_error() -> None:
    """Also those of the server, which the library takes for answers, and a server that is away."""
    with _answering(500, '{"error": "listen tcp: address already in use"}') as gateway:
        with pytest.raises(ToxiproxyError, match=r"500.*already in use"):
            gateway.create_proxy("p", listen="127.0.0.1:1", upstream="127.0.0.1:9")
        with pytest.raises(ToxiproxyError, match="500"):
            gateway.set_enabled("p", enabled=False)
    with pytest.raises(ToxiproxyError, match="nobody answers") as caught:
        gateway.version()
    assert caught.value.absent


@pytest.mark.parametrize(
    "failure", [socket.gaierror(-2, "not known"), TimeoutError(), OSError(errno.EHOSTUNREACH, "")]
)
def test_a_server_out_of_reach_may_still_have_its_toxics(
    failure: OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So they are not taken for undone: they stay in the ledger for another time."""

    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr("urllib3.util.connection.create_connection", fail)
    ledger = Ledger.new()
    ledger.note(RemoveToxic("toxiproxy.example.com", 8474, "p", "slow"))
    with pytest.raises(WorldError, match=r"remove toxic slow of p: .*nobody answers there"):
        ledger.undo()
    assert ledger.path.exists()


def test_a_token_is_sent_with_every_call() -> None:
    """The library's calls carry it as well as ours."""
    seen: list[str] = []
    with _answering(200, "{}", seen) as gateway:
        gateway.remove_toxic("p", "slow")
        with pytest.raises(ToxiproxyError):
            gateway.add_toxic("p", "x", type="", stream="", toxicity=1, attributes={})
    assert ["Bearer secret"] * len(seen) == seen
    assert 2 == len(seen)


@pytest.mark.parametrize(("body", "version"), [("git", "git"), ('{"version": "2.12.0"}', "2.12.0")])
def test_a_version_that_will_do(body: str, version: str) -> None:
    """As JSON or plain; ``git`` is what ``go install`` builds."""
    with _answering(200, body) as gateway:
        assert version == gateway.check()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("2.5.0", "version 2.5.0 is too old, 2.6 is needed; go install"),
        ("<html>", "is not Toxiproxy; it answers '<html>'"),
        ("nginx/1.25.3", "is not Toxiproxy; it answers 'nginx/1.25.3'"),
    ],
)
def test_a_server_that_will_not_do(body: str, message: str) -> None:
    """Too old, or something else: one message, with the command that helps."""
    with _answering(200, body) as gateway, pytest.raises(WorldUnavailable) as caught:
        gateway.check()
    assert message in str(caught.value)


def test_undoing_takes_back_only_what_is_there(gateway: Gateway, ledger: Ledger) -> None:
    """A toxic of somebody else stays; what is gone already is no error."""
    _slow(gateway, "mine")
    _slow(gateway, "theirs")
    place = (gateway.host, gateway.port, "p")
    for step in (
        RemoveToxic(*place, "mine"),
        RemoveToxic(*place, "gone"),
        EnableProxy(*place),
        DeleteProxy(gateway.host, gateway.port, "gone"),
    ):
        ledger.note(step)
    gateway.set_enabled("p", enabled=False)
    ledger.undo()
    assert ["theirs"] == gateway.toxics("p")
    assert gateway.is_enabled("p")
