"""The ``compose`` provider: what Docker is asked, how its answers are read, what is left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fakes.docker import FakeDocker
from umt_sim.errors import WorldUnavailable
from umt_sim.servers.specs import ServiceSpec
from umt_sim.worlds.live.compose import Project, engine_version
from umt_sim.worlds.live.ledger import Ledger, replay
from umt_sim.worlds.live.providers.choosing import choose
from umt_sim.worlds.live.providers.compose import Compose

SERVICES = [
    ServiceSpec("rabbitmq", "rabbitmq"),
    ServiceSpec("db", "postgres"),
    ServiceSpec("llm", "http"),
]
ROWS = [
    {"Service": "rabbitmq", "Image": "rabbitmq:4.3"},
    {"Service": "toxiproxy", "Image": "toxiproxy:2.12.0"},
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "docker-compose.test.yml"
    file.touch()
    return file


@pytest.fixture
def answering(docker: FakeDocker) -> FakeDocker:
    """A Docker whose containers are all there."""
    docker.answer("port toxiproxy 8474", "127.0.0.1:40001")
    docker.answer("port toxiproxy 5432", "127.0.0.1:40002")
    docker.answer("port toxiproxy 18080", "127.0.0.1:40003")
    docker.answer("port rabbitmq 5672", "127.0.0.1:40004")
    docker.answer("port rabbitmq 15672", "127.0.0.1:40005")
    docker.answer("ps --all", "\n".join(map(json.dumps, ROWS)))
    docker.answer("network inspect bridge", "172.17.0.1")
    docker.answer("version", "28.2.2")
    return docker


def test_a_project_is_started_and_found(answering: FakeDocker, file: Path, ledger: Ledger) -> None:
    """Under a name of its own; the broker's own ports are for the witness only."""
    provider = Compose(file)
    sites = provider.start(SERVICES, ledger)
    project = ["compose", "-f", str(file), "-p", f"umt-sim-{ledger.id}"]
    assert [*project, "up", "--detach", "--wait"] in answering.asked
    assert "rabbitmq:5672" == sites["rabbitmq"].upstream
    assert "http://127.0.0.1:40005" == sites["rabbitmq"].management
    assert "amqp://umt:umt@127.0.0.1:40004/%2F" == sites["rabbitmq"].server.url
    assert "postgres:5432" == sites["db"].upstream
    assert ("127.0.0.1", 40001) == provider.toxiproxy
    assert ("0.0.0.0:5432", ("127.0.0.1", 40002)) == (
        provider.door("db").listen,
        provider.door("db").reached,
    )
    assert "0.0.0.0:18080" == provider.door("llm").listen
    assert ("172.17.0.1", "host.docker.internal") == provider.here
    assert {"rabbitmq": "rabbitmq:4.3", "toxiproxy": "toxiproxy:2.12.0"} == provider.versions()
    ledger.undo()
    assert [*project, "down", "--volumes", "--remove-orphans", "--timeout", "2"] == (
        answering.asked[-1]
    )


def test_ports_to_insist_on_fill_the_file_in(
    answering: FakeDocker, file: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the variables that the Compose file has for them."""
    monkeypatch.setenv("UMT_SIM_COMPOSE_FILE", str(file))
    provider = choose("compose", SERVICES, ports={"redis": 7001, "toxiproxy": 7002})
    provider.start(SERVICES, ledger)
    assert {"REDIS_PORT": "7001", "TOXIPROXY_PORT": "7002"}.items() <= answering.variables.items()
    text = (Path(__file__).parents[4] / "docker-compose.test.yml").read_text()
    assert "${REDIS_PORT:-}:6379" in text
    assert "${TOXIPROXY_PORT:-}:8474" in text


def test_servers_are_as_the_scenario_asks(
    answering: FakeDocker, file: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker's version and what the cache keeps fill the file in; a tag of the user's stays."""
    monkeypatch.delenv("RABBITMQ_TAG", raising=False)
    asked = [
        ServiceSpec("rabbitmq", "rabbitmq", version="3.13"),
        ServiceSpec("redis", "redis", persistence="snapshot", snapshot_every=60.0),
    ]
    answering.answer("port toxiproxy 6379", "127.0.0.1:40006")
    Compose(file).start(asked, ledger)
    wanted = {
        "RABBITMQ_TAG": "3.13-management-alpine",
        "REDIS_SAVE": "60 1",
        "REDIS_APPENDONLY": "no",
        "REDIS_APPENDFSYNC": "always",
    }
    assert wanted.items() <= answering.variables.items()
    text = (Path(__file__).parents[4] / "docker-compose.test.yml").read_text()
    assert all(f"${{{name}:-" in text for name in wanted)
    monkeypatch.setenv("RABBITMQ_TAG", "3.13.7-management")
    Compose(file).start(asked, ledger)
    assert "3.13.7-management" == answering.variables["RABBITMQ_TAG"]


def test_what_docker_complains_of_is_passed_on(
    answering: FakeDocker, file: Path, ledger: Ledger
) -> None:
    """Docker is there, so nobody is told to install it."""
    answering.answer("up --detach", "port is already allocated", code=1)
    with pytest.raises(WorldUnavailable, match=r"port is already allocated; mend what Docker says"):
        Compose(file).start(SERVICES, ledger)


@pytest.mark.parametrize(
    ("verb", "done", "undone"),
    [
        ("stop", ["stop"], ["start", "up"]),
        ("kill", ["kill"], ["start", "up"]),
        ("pause", ["pause"], ["unpause"]),
    ],
)
def test_faults_of_containers(
    answering: FakeDocker, file: Path, ledger: Ledger, verb: str, done: list[str], undone: list[str]
) -> None:
    """Done to the container that serves the kind; started again it is waited for."""
    provider = Compose(file)
    provider.start(SERVICES, ledger)
    before = len(answering.asked)
    provider.do(verb, "db")  # type: ignore[arg-type]
    provider.revive(verb, "db")  # type: ignore[arg-type]
    asked = [words[5:] for words in answering.asked[before:]]
    assert [*done, *undone] == [words[0] for words in asked]
    assert ["postgres"] * len(asked) == [words[-1] for words in asked]


def test_older_releases_answer_with_an_array(docker: FakeDocker, file: Path) -> None:
    """``ps --format json`` changed its form in Compose 2.21."""
    docker.answer("ps --all", json.dumps(ROWS))
    assert {"rabbitmq": "rabbitmq:4.3", "toxiproxy": "toxiproxy:2.12.0"} == (
        Project("p", file).images()
    )


def test_a_killed_run_s_containers_go_at_the_next_start(answering: FakeDocker, file: Path) -> None:
    """The project is written down before it is started."""
    ledger = Ledger.new()
    Compose(file).start(SERVICES, ledger)
    ledger.leave()
    assert [f"remove Compose project umt-sim-{ledger.id}"] == replay()
    assert "down" == answering.asked[-1][5]


def test_what_docker_says_is_passed_on(docker: FakeDocker, file: Path, ledger: Ledger) -> None:
    """With the remedy; a port that is taken, say."""
    docker.answer("version", "28.2.2")
    docker.answer("up --detach", "Bind for 127.0.0.1:5672 failed: port is allocated", code=1)
    with pytest.raises(WorldUnavailable, match=r"port is allocated.*use --provider system"):
        Compose(file).start(SERVICES, ledger)


def test_a_second_server_of_a_kind_is_refused(
    docker: FakeDocker, file: Path, ledger: Ledger
) -> None:
    """Before Docker is asked for anything."""
    two = [ServiceSpec("one", "redis"), ServiceSpec("two", "redis")]
    with pytest.raises(WorldUnavailable, match="two: the Compose file has no other redis"):
        Compose(file).start(two, ledger)
    assert [] == docker.asked


def test_without_the_file(
    docker: FakeDocker, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is looked for in the working folder, or where the setting says."""
    monkeypatch.chdir(tmp_path)
    docker.answer("version", "28.2.2")
    with pytest.raises(WorldUnavailable, match="UMT_SIM_COMPOSE_FILE"):
        Compose().start(SERVICES, ledger)


def test_without_docker(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One message, with the remedy."""
    monkeypatch.setenv("PATH", "/nowhere")
    assert engine_version() is None
    with pytest.raises(WorldUnavailable, match="docker: not found on PATH; install Docker"):
        Project("p", file).up()


def test_an_engine_counts_only_with_compose(docker: FakeDocker) -> None:
    """The client alone is not enough, nor is the engine without the plugin."""
    docker.answer("version --format", "28.2.2")
    docker.answer("compose version", "unknown command", code=1)
    assert engine_version() is None
    docker.answer("compose version", "2.39.1")
    assert "28.2.2" == engine_version()


def test_auto_takes_what_there_is(docker: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed servers, then Docker, then what comes with the package; given addresses first."""
    monkeypatch.delenv("TOXIPROXY_SERVER", raising=False)
    monkeypatch.setenv("GOBIN", "/nowhere")
    docker.answer("version", "28.2.2")
    assert "compose" == choose("auto", SERVICES).name
    docker.answer("version", "no engine", code=1)
    assert "embedded" == choose("auto", SERVICES).name
    assert "external" == choose("auto", SERVICES, endpoints={"db": "localhost:1"}).name
    with pytest.raises(WorldUnavailable, match="no provider 'cloud'; choose one of auto, system"):
        choose("cloud", SERVICES)
