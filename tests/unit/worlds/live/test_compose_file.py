"""``docker-compose.test.yml`` follows the Compose specification, and is what the code expects."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from umt_sim.worlds.live.providers.compose import API_PORT, DOORS, HERE, MANAGEMENT_PORT, PORTS
from umt_sim.worlds.live.providers.private import ACCOUNTS, TOXIPROXY

FILE = Path(__file__).parents[4] / "docker-compose.test.yml"
OBSERVERS = {"jaeger", "prometheus", "grafana"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())["services"]
    return found


def test_it_follows_the_specification() -> None:
    """Checked against the schema that check-jsonschema brings along."""
    command = ["check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stdout + done.stderr


def test_a_wrong_file_would_be_found(tmp_path: Path) -> None:
    """The check above checks."""
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(FILE.read_text().replace("healthcheck:", "health_check:", 1))
    command = ["check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(wrong)]
    done = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, check=False
    )
    assert 1 == done.returncode
    assert "health_check" in done.stdout


def test_its_services_are_those_the_code_uses(services: dict[str, Any]) -> None:
    """A server for each kind and a Toxiproxy; whoever watches comes with a profile."""
    started = {name for name, service in services.items() if "profiles" not in service}
    assert {*PORTS, TOXIPROXY} == started
    observing = {name for name, service in services.items() if service.get("profiles")}
    assert OBSERVERS == observing
    assert all(services[name]["profiles"] == ["observe"] for name in OBSERVERS)


def test_its_ports_are_those_the_code_asks_for(services: dict[str, Any]) -> None:
    """Clients reach servers through Toxiproxy only; the broker's own ports are for the witness."""
    published = {name: _container_ports(services[name]) for name in (*PORTS, TOXIPROXY)}
    assert {API_PORT, *PORTS.values(), *DOORS} == published[TOXIPROXY]
    assert {PORTS["rabbitmq"], MANAGEMENT_PORT} == published["rabbitmq"]
    assert set() == published["postgres"] | published["redis"]


def test_every_port_is_on_loopback_and_free_by_default(services: dict[str, Any]) -> None:
    """Nothing of a test is offered to a network; two projects do not meet."""
    for name, service in services.items():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), name
            if name not in OBSERVERS:  # those are for people, who want to know where to look
                assert re.fullmatch(r"127\.0\.0\.1:(\$\{\w+:-\})?:\d+", port), port


def test_what_is_waited_for_says_when_it_is_healthy(services: dict[str, Any]) -> None:
    """``up --wait`` returns at once for a service without a check."""
    for name in (*PORTS, TOXIPROXY):
        assert "CMD" == services[name]["healthcheck"]["test"][0]


def test_tags_are_pinned_and_can_be_chosen(services: dict[str, Any]) -> None:
    """By a variable each; never ``latest``."""
    for service in services.values():
        image, _, tag = service["image"].partition(":")
        assert image
        assert tag.startswith("${")
        assert tag.endswith("}")
        assert ":-" in tag
        assert "latest" not in tag
    defaults = {name: service["image"].split(":-")[1] for name, service in services.items()}
    assert ("4", "18", "8") == tuple(defaults[kind].split("-")[0].split(".")[0] for kind in PORTS)


def test_accounts_are_those_the_code_logs_in_with(services: dict[str, Any]) -> None:
    """User, password and database."""
    broker, database = services["rabbitmq"]["environment"], services["postgres"]["environment"]
    user, password, _ = ACCOUNTS["rabbitmq"]
    assert (user, password) == (broker["RABBITMQ_DEFAULT_USER"], broker["RABBITMQ_DEFAULT_PASS"])
    assert ACCOUNTS["postgres"] == (
        database["POSTGRES_USER"],
        database["POSTGRES_PASSWORD"],
        database["POSTGRES_DB"],
    )


def test_containers_find_this_machine(services: dict[str, Any]) -> None:
    """HTTP upstreams run outside of them."""
    assert [f"{HERE}:host-gateway"] == services[TOXIPROXY]["extra_hosts"]


def _container_ports(service: dict[str, Any]) -> set[int]:
    return {int(port.rpartition(":")[2]) for port in service.get("ports", ())}
