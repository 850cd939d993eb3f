"""What a live run cannot do it says in one message, with the remedy, and leaves nothing behind."""

from __future__ import annotations

import errno
import re
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from tests.live.runs import SMALL
from umt_sim.cli.app import app
from umt_sim.servers.postgres import places
from umt_sim.worlds.live import knocking
from umt_sim.worlds.live.ledger import state_folder
from umt_sim.worlds.live.programs.postgres import PostgreSQL
from umt_sim.worlds.live.programs.toxiproxy import Toxiproxy
from umt_sim.worlds.live.servers import one_server, private_servers

RUN = ("run", str(SMALL), "--world", "live", "--no-save", "-q")


def cli(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


@pytest.fixture(autouse=True)
def nothing_left(state: Path) -> Iterator[None]:
    """After each of these the ledgers' folder is empty."""
    yield
    assert [] == list(state_folder().iterdir()), state


@pytest.fixture
def old_toxiproxy() -> Iterator[str]:
    """A server that says it is Toxiproxy 2.4.0."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"2.4.0")

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_no_server_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 3, and the command that installs it."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("GOBIN", "/nowhere")
    monkeypatch.delenv("TOXIPROXY_SERVER", raising=False)
    found = cli(*RUN, "--provider", "system")
    assert 3 == found.exit_code
    assert "error: toxiproxy: not found on this machine; go install github.com" in found.output


def test_no_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 3, and what to do instead."""
    monkeypatch.setenv("PATH", "/nowhere")
    found = cli(*RUN, "--provider", "compose")
    assert 3 == found.exit_code
    assert "docker: no engine with Compose answers; install Docker" in found.output


def test_toxiproxy_too_old(old_toxiproxy: str) -> None:
    """Exit code 3, and the command that installs a newer one."""
    found = cli(*RUN, "--endpoint", f"toxiproxy={old_toxiproxy}")
    assert 3 == found.exit_code
    assert "toxiproxy: version 2.4.0 is too old, 2.6 is needed; go install" in found.output


@pytest.mark.live
@pytest.mark.usefixtures("real_servers")
def test_a_server_that_does_not_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Exit code 3 with the end of its log; the servers beside it are stopped."""
    broken = tmp_path / "toxiproxy-server"
    broken.write_text("#!/bin/sh\necho out of luck\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("TOXIPROXY_SERVER", str(broken))
    services = "services={llm: {kind: http, app: echo}, redis: {kind: redis}}"
    found = cli(*RUN, "--provider", "system", "--set", services)
    assert 3 == found.exit_code
    assert "error: toxiproxy: did not start on port" in found.output
    assert "out of luck" in found.output


@pytest.mark.live
@pytest.mark.usefixtures("real_toxiproxy")
def test_a_toxic_that_toxiproxy_would_not_survive() -> None:
    """Exit code 3 rather than a server that hangs; what to write instead."""
    toxic = "{type: bandwidth, rate: 0kB/s}"
    edit = f"faults.slow={{at: 1s, for: 2s, target: llm, toxic: {toxic}}}"
    found = cli(*RUN, "--provider", "system", "--set", edit)
    assert 3 == found.exit_code, found.output
    assert "would not survive 'slow': a bandwidth of 0 KB/s stalls" in found.output
    assert "give at least 1 KB/s; or use Toxiproxy 2.13" in found.output


@pytest.mark.parametrize("kind", ["redis", "postgres", "rabbitmq"])
def test_no_room_for_the_servers_files(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 3, where it was and how to choose another place."""
    (tmp_path / "file").touch()
    monkeypatch.setattr(places, "for_servers", lambda: [str(tmp_path / "file")])
    services = f"services={{llm: {{kind: http, app: echo}}, store: {{kind: {kind}}}}}"
    found = cli(*RUN, "--provider", "embedded", "--set", services)
    assert 3 == found.exit_code, found.output
    assert f"cannot be written to {tmp_path}/file (Not a directory); make room" in found.output


def test_no_room_left_for_a_servers_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 3 with the server's name; the folder that was made is gone again."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(PostgreSQL, "prepare", full)
    services = "services={llm: {kind: http, app: echo}, db: {kind: postgres}}"
    found = cli(*RUN, "--provider", "embedded", "--set", services)
    assert 3 == found.exit_code, found.output
    assert re.search(r"error: postgres: its files cannot be.*No space left", found.output)


def test_an_address_off_the_allow_list() -> None:
    """Exit code 3, and the option that allows it."""
    address = "toxiproxy=toxiproxy.example.com:8474"
    found = cli(*RUN, "--endpoint", address)
    assert 3 == found.exit_code
    assert f"reproduce: umt-sim run {SMALL} --world live --endpoint {address}" in found.output
    assert "add --allow-host toxiproxy.example.com" in found.output


def test_an_address_that_is_none() -> None:
    """A mistake of use: exit code 2."""
    found = cli(*RUN, "--endpoint", "toxiproxy")
    assert 2 == found.exit_code
    assert "'toxiproxy' is not NAME=HOST:PORT" in found.output


@pytest.mark.parametrize(
    "option", [("--provider", "system"), ("--endpoint", "redis=h:1"), ("--allow-host", "h")]
)
def test_servers_for_the_sim_world(option: tuple[str, str]) -> None:
    """A mistake of use: somebody forgot where to run."""
    found = cli("run", str(SMALL), "--no-save", "-q", *option)
    assert 2 == found.exit_code
    assert "--provider, --endpoint and --allow-host ask for --world live" in found.output


def test_a_port_that_is_taken() -> None:
    """Exit code 3 before anything is started."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        found = cli("up", "--provider", "embedded", "--port", f"redis={port}")
    assert 3 == found.exit_code
    assert f"port {port} is taken" in found.output
    assert "choose another" in found.output


@pytest.mark.parametrize("text", ["redis", "redis=x", "mysql=1", "redis=0", "redis=65536"])
def test_a_port_that_is_none(text: str) -> None:
    """A mistake of use: exit code 2."""
    found = cli("up", "--port", text)
    assert 2 == found.exit_code
    assert "Invalid value for '--port'" in found.output


def test_a_fault_of_the_simulated_network() -> None:
    """Exit code 2, where the scenario's line is known, and what the live world can do."""
    found = cli(*RUN, "--set", "faults.slow={at: 1s, for: 2s, host: llm-server, crash: true}")
    assert 2 == found.exit_code
    assert "faults.slow: crash needs the simulated network" in found.output
    assert "the live world can do every toxic, down, restart" in found.output


@pytest.mark.parametrize(
    ("provider", "abilities"),
    [
        ("system", "every toxic, down, restart, kill of a server, pause of a server"),
        ("embedded", "every toxic, down, pause of a server"),
    ],
)
def test_a_fault_of_a_program_of_the_system(provider: str, abilities: str) -> None:
    """Exit code 3: it shares our process, so nothing can be done to it alone."""
    edit = "faults.slow={at: 1s, for: 2s, host: worker, kill: true}"
    found = cli(*RUN, "--provider", provider, "--set", edit)
    assert 3 == found.exit_code
    assert f"the live ({provider}) world cannot do 'kill of worker (slow)'" in found.output
    assert f"it can do {abilities}" in found.output


@pytest.mark.live
@pytest.mark.usefixtures("real_servers")
@pytest.mark.parametrize(
    ("kind", "database", "said"),
    [
        ("rabbitmq", "", r"no rabbitmq at 127\.0\.0\.1:\d+ lets us in \(no answer within 1 s\)"),
        ("postgres", "", r"no postgres at 127\.0\.0\.1:\d+ lets us in \(no answer within 1 s\)"),
        ("redis", "/99", r"no redis at 127\.0\.0\.1:\d+ lets us in \(DB index is out of range\)"),
    ],
)
def test_a_server_of_another_kind_or_with_other_accounts(
    kind: str, database: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 3 before the system is started, with what the driver said."""
    monkeypatch.setattr(knocking, "PATIENCE", 1.0)
    find = Toxiproxy.find()
    assert find is not None
    services = f"services={{llm: {{kind: http, app: echo}}, store: {{kind: {kind}}}}}"
    with private_servers("redis") as servers, one_server(find) as toxiproxy:
        store = f"store=127.0.0.1:{servers['redis'].port}{database}"
        proxy = f"toxiproxy=127.0.0.1:{toxiproxy.port}"
        found = cli(*RUN, "--endpoint", store, "--endpoint", proxy, "--set", services)
        assert {} == requests.get(f"http://127.0.0.1:{toxiproxy.port}/proxies", timeout=5).json()
    assert 3 == found.exit_code, found.output
    assert re.search(f"error: store: {said}", found.output), found.output
    assert "by --endpoint store=[user:password@]host:port[/database]" in found.output


@pytest.mark.live
@pytest.mark.usefixtures("real_toxiproxy")
def test_nobody_at_an_address() -> None:
    """Exit code 3, and which address it was."""
    find = Toxiproxy.find()
    assert find is not None
    services = "services={llm: {kind: http, app: echo}, store: {kind: redis}}"
    with one_server(find) as toxiproxy:
        given = ("--endpoint", "store=127.0.0.1:1")
        proxy = ("--endpoint", f"toxiproxy=127.0.0.1:{toxiproxy.port}")
        found = cli(*RUN, *given, *proxy, "--set", services)
    assert 3 == found.exit_code, found.output
    assert "error: store: no redis at 127.0.0.1:1 lets us in" in found.output


def test_a_toxiproxy_that_the_setting_does_not_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 3, and which setting it is."""
    monkeypatch.setenv("TOXIPROXY_SERVER", "/nowhere/toxiproxy-server")
    found = cli(*RUN, "--provider", "system")
    assert 3 == found.exit_code
    assert "TOXIPROXY_SERVER names /nowhere/toxiproxy-server, which is no program" in found.output
