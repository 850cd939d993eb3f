"""Servers that somebody else runs: only at addresses that were given and allowed."""

from __future__ import annotations

import pytest

from umt_sim.errors import WorldUnavailable
from umt_sim.servers.specs import ServiceSpec
from umt_sim.worlds.live.ledger import Ledger
from umt_sim.worlds.live.providers.choosing import choose
from umt_sim.worlds.live.providers.external import External

REDIS = ServiceSpec("redis", "redis")
TOXIPROXY = {"toxiproxy": "127.0.0.1:8474"}


def test_addresses_accounts_and_the_management_api(ledger: Ledger) -> None:
    """An address may carry an account and a database; what it leaves out is ``umt``'s."""
    given = {
        **TOXIPROXY,
        "events": "ann:secret@127.0.0.1:5672/shop",
        "events-management": "localhost:15672",
    }
    sites = External(given).start([ServiceSpec("events", "rabbitmq")], ledger)
    server = sites["events"].server
    assert ("ann", "secret", "shop") == (server.user, server.password, server.database)
    assert "amqp://ann:secret@127.0.0.1:5672/shop" == server.url
    assert "127.0.0.1:5672" == sites["events"].upstream
    assert "http://localhost:15672" == sites["events"].management


def test_accounts_go_into_urls_whatever_they_are_made_of(ledger: Ledger) -> None:
    """A password with an @ ends no account, and a Redis with one is asked by it."""
    given = {**TOXIPROXY, "redis": "ann:p@ss/w@127.0.0.1:6379/2"}
    sites = External(given).start([REDIS], ledger)
    assert "redis://ann:p%40ss%2Fw@127.0.0.1:6379/2" == sites["redis"].server.url
    plain = External({**TOXIPROXY, "redis": "127.0.0.1:6379"}).start([REDIS], ledger)
    assert "redis://127.0.0.1:6379/0" == plain["redis"].server.url


def test_the_environment_gives_addresses_too(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For CI, where options are set once."""
    monkeypatch.setenv("UMT_SIM_ENDPOINT_REDIS", "[::1]:6379")
    assert "[::1]:6379" == External(TOXIPROXY).start([REDIS], ledger)["redis"].upstream
    monkeypatch.setenv("UMT_SIM_ENDPOINT_REDIS", "127.0.0.9:6379")
    provider = External(TOXIPROXY)
    assert "127.0.0.9:6379" == provider.start([REDIS], ledger)["redis"].upstream
    assert {"redis": "127.0.0.9:6379"} == provider.versions()
    assert ("127.0.0.1", 8474) == provider.toxiproxy


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "redis: no address was given; pass --endpoint redis=host:port"),
        ({"redis": "6379"}, "redis: '6379' is not an address; write host:port"),
        ({"redis": "ann:secret@6379"}, "redis: '6379' is not an address"),
        ({"redis": "127.0.0.1:65536"}, "redis: '127.0.0.1:65536' is not an address"),
        ({"redis": "localhost:6379"}, "toxiproxy: no address was given"),
        ({"reddis": "localhost:6379"}, "reddis: its address is not asked for; give those of redis"),
        (
            {"redis": "db.example.com:6379"},
            "db.example.com is not on the list of allowed hosts (looked at loopback, a.b); if",
        ),
    ],
)
def test_a_wrong_address_is_refused_with_its_remedy(
    ledger: Ledger, given: dict[str, str], message: str
) -> None:
    """Before anything is connected."""
    with pytest.raises(WorldUnavailable) as caught:
        External(given, allowed_hosts=("a.b",)).start([REDIS], ledger)
    assert message in str(caught.value)


def test_a_host_that_is_allowed_by_name(ledger: Ledger) -> None:
    """The proxies then listen on Toxiproxy's host."""
    provider = External({"redis": "a.b:6379", "toxiproxy": "a.b:8474"}, allowed_hosts=("a.b",))
    assert "a.b:6379" == provider.start([REDIS], ledger)["redis"].upstream
    assert "a.b:0" == provider.door("redis").listen


def test_a_toxiproxy_elsewhere_cannot_reach_our_upstreams(ledger: Ledger) -> None:
    """HTTP services run in this process; that is said before anything is connected."""
    provider = External({"toxiproxy": "a.b:8474"}, allowed_hosts=("a.b",))
    with pytest.raises(
        WorldUnavailable, match=r"llm: it runs in this process, where the Tox.* a.b"
    ):
        provider.start([ServiceSpec("llm", "http")], ledger)


def test_other_providers_take_no_addresses() -> None:
    """Rather than running somewhere else than was asked for."""
    with pytest.raises(WorldUnavailable, match="system takes no addresses; leave out --endpoint"):
        choose("system", [REDIS], endpoints=TOXIPROXY)
