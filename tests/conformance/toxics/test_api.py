"""Toxiproxy's HTTP API, spoken by our stand-in and by Toxiproxy itself."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import toxiproxy
from toxiproxy.api import APIConsumer
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

NOWHERE = "127.0.0.1:9"
LATENCY = {"type": "latency", "attributes": {"latency": 5}}


@pytest.fixture
def client(api: str) -> Iterator[httpx.Client]:
    """A client of a server that has no proxies."""
    with httpx.Client(base_url=api, timeout=5) as client:
        yield client
        for name in client.get("/proxies").json():
            client.delete(f"/proxies/{name}")


@pytest.fixture
def proxy(client: httpx.Client) -> str:
    """Path of an enabled proxy."""
    made = client.post("/proxies", json={"name": "p", "listen": "127.0.0.1:0", "upstream": NOWHERE})
    assert made.status_code == 201
    return "/proxies/p"


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status code and text of an error."""
    document = answer.json()
    assert document["status"] == answer.status_code
    return answer.status_code, document["error"]


def mistyped(given: str, field: str, wanted: str) -> tuple[int, str]:
    """The refusal of a field that has the wrong type."""
    reason = f"json: cannot unmarshal {given} into Go struct field {field} of type {wanted}"
    return 400, f"bad request body: {reason}"


def toxic(**changes: Any) -> dict[str, Any]:
    """How the API shows the toxic LATENCY, with changes."""
    shown = {
        "attributes": {"latency": 5, "jitter": 0},
        "name": "latency_downstream",
        "type": "latency",
        "stream": "downstream",
        "toxicity": 1,
    }
    return shown | changes


def test_version_is_json_text(client: httpx.Client) -> None:
    """GET /version gives an object with one string."""
    answer = client.get("/version")
    assert answer.status_code == 200
    assert list(answer.json()) == ["version"]


def test_new_proxy_shows_where_it_listens(client: httpx.Client) -> None:
    """A created proxy is enabled, on a real port, without toxics."""
    answer = client.post(
        "/proxies", json={"name": "a", "listen": "127.0.0.1:0", "upstream": NOWHERE}
    )
    document = answer.json()
    host, _, port = document.pop("listen").rpartition(":")
    assert (201, "127.0.0.1") == (answer.status_code, host)
    assert int(port) > 0
    assert document == {
        "name": "a",
        "upstream": NOWHERE,
        "enabled": True,
        "Logger": {},
        "toxics": [],
    }
    assert client.get("/proxies/a").json().keys() == client.get("/proxies").json()["a"].keys()


def test_disabled_proxy_keeps_its_address_as_given(client: httpx.Client) -> None:
    """Created with enabled false, it shows the port 0 that was asked for."""
    body = {"name": "a", "listen": "127.0.0.1:0", "upstream": NOWHERE, "enabled": False}
    document = client.post("/proxies", json=body).json()
    assert ("127.0.0.1:0", False) == (document["listen"], document["enabled"])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"upstream": "h:1"}', (400, "missing required field: name")),
        ('{"name": "b"}', (400, "missing required field: upstream")),
        ("", (400, "bad request body: EOF")),
        (
            '{"name": "b", "upstream": 5}',
            mistyped("number", "Proxy.upstream", "string"),
        ),
        (
            '{"NAME": "b", "UpStream": "h:1", "enabled": "x"}',
            mistyped("string", "Proxy.enabled", "bool"),
        ),
        (
            '{"name": "b", "upstream": "h:1", "listen": "127.0.0.1"}',
            (500, "listen tcp: address 127.0.0.1: missing port in address"),
        ),
        (
            '{"name": "b", "upstream": "h:1", "listen": "127.0.0.1:abc"}',
            (500, "listen tcp: lookup tcp/abc: unknown port"),
        ),
        ('{"name": "p", "upstream": "h:1"}', (409, "proxy already exists")),
    ],
)
def test_unusable_proxy_is_refused(
    client: httpx.Client, proxy: str, body: str, expected: tuple[int, str]
) -> None:
    """The error says what is wrong, in Toxiproxy's words."""
    assert expected == refusal(client.post("/proxies", content=body))
    assert ["p"] == list(client.get("/proxies").json())


def test_taken_address_is_refused(client: httpx.Client, api: str) -> None:
    """A port in use gives 500, and no proxy."""
    taken = f"127.0.0.1:{urlsplit(api).port}"
    answer = client.post("/proxies", json={"name": "b", "listen": taken, "upstream": NOWHERE})
    assert (500, f"listen tcp {taken}: bind: address already in use") == refusal(answer)
    assert client.get("/proxies").json() == {}


def test_a_proxy_goes_at_once_though_a_toxic_of_it_cannot(client: httpx.Client) -> None:
    """A reset_peer that counts down holds up its own removal, not that of the proxy."""
    with socket.create_server(("127.0.0.1", 0)) as upstream, ThreadPoolExecutor() as beside:
        address = f"127.0.0.1:{upstream.getsockname()[1]}"
        body = {"name": "p", "listen": "127.0.0.1:0", "upstream": address}
        host, _, port = client.post("/proxies", json=body).json()["listen"].rpartition(":")
        reset = {"type": "reset_peer", "stream": "upstream", "attributes": {"timeout": 1000}}
        client.post("/proxies/p/toxics", json=reset)
        with socket.create_connection((host, int(port))) as connection:
            server, _ = upstream.accept()
            connection.send(b"!")
            removal = beside.submit(client.delete, "/proxies/p/toxics/reset_peer_upstream")
            assert not wait([removal], timeout=0.3).done
            assert client.delete("/proxies/p").status_code == 204
            assert not removal.done()
            server.close()
            assert removal.result().status_code == 204


def test_content_types_are_gos(client: httpx.Client, proxy: str) -> None:
    """An answer is JSON and says no charset, a refusal is JSON that says it is text."""
    assert "application/json" == client.get(proxy).headers["content-type"]
    refused = client.get("/proxies/unknown")
    assert "text/plain; charset=utf-8" == refused.headers["content-type"]
    assert refused.text.endswith("\n")
    assert "application/json" == client.post("/populate").headers["content-type"]


def test_head_is_not_allowed(client: httpx.Client) -> None:
    """A route knows the methods of its table and no other."""
    assert client.head("/proxies").status_code == 405


def test_toxicity_is_a_float32(client: httpx.Client, proxy: str) -> None:
    """More digits than it has are lost."""
    answer = client.post(f"{proxy}/toxics", json=LATENCY | {"toxicity": 0.123456789})
    assert 0.12345679 == answer.json()["toxicity"]


def test_noop_is_a_toxic_without_attributes(client: httpx.Client, proxy: str) -> None:
    """It can be added by name like the others."""
    answer = client.post(f"{proxy}/toxics", json={"type": "noop"})
    assert toxic(type="noop", name="noop_downstream", attributes={}) == answer.json()


def test_populating_with_null_creates_nothing(client: httpx.Client) -> None:
    """To Go, null is an empty list."""
    answer = client.post("/populate", content="null")
    assert (201, {"proxies": None}) == (answer.status_code, answer.json())


def test_toxic_defaults(client: httpx.Client, proxy: str) -> None:
    """Downstream, toxicity 1, named after type and stream; what is misspelt is ignored."""
    body = {"type": "latency", "attributes": {"latency": 5, "latncy": 9}}
    answer = client.post(f"{proxy}/toxics", json=body)
    assert (200, toxic()) == (answer.status_code, answer.json())
    assert [toxic()] == client.get(f"{proxy}/toxics").json()


def test_toxic_keeps_the_spelling_of_its_stream(client: httpx.Client, proxy: str) -> None:
    """``Upstream`` is accepted, shown and used in the name as written; upstream toxics go first."""
    client.post(f"{proxy}/toxics", json=LATENCY)
    client.post(f"{proxy}/toxics", json=LATENCY | {"stream": "Upstream", "toxicity": 5})
    up = toxic(name="latency_Upstream", stream="Upstream", toxicity=5)
    assert [up, toxic()] == client.get(f"{proxy}/toxics").json()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"type": "nope"}, (400, "invalid toxic type")),
        (
            LATENCY | {"stream": "x"},
            (400, "stream was invalid, can be either upstream or downstream"),
        ),
        (LATENCY | {"name": "taken"}, (409, "toxic already exists")),
        (
            LATENCY | {"attributes": {"latency": "5"}},
            mistyped("string", "LatencyToxic.attributes.latency", "int64"),
        ),
        (
            {"type": "slicer", "attributes": {"delay": 5.0}},
            mistyped("number 5.0", "SlicerToxic.attributes.delay", "int"),
        ),
        (
            LATENCY | {"attributes": {"latency": 2**63}},
            mistyped("number 9223372036854775808", "LatencyToxic.attributes.latency", "int64"),
        ),
        (
            LATENCY | {"toxicity": "1"},
            mistyped("string", "ToxicWrapper.toxicity", "float32"),
        ),
        (
            LATENCY | {"toxicity": 1e50},
            mistyped("number 1e+50", "ToxicWrapper.toxicity", "float32"),
        ),
    ],
)
def test_unusable_toxic_is_refused(
    client: httpx.Client, proxy: str, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    """The error says what is wrong, in Toxiproxy's words, and nothing is added."""
    client.post(f"{proxy}/toxics", json=LATENCY | {"name": "taken"})
    assert expected == refusal(client.post(f"{proxy}/toxics", json=body))
    assert ["taken"] == [toxic["name"] for toxic in client.get(f"{proxy}/toxics").json()]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_update_changes_what_it_names(client: httpx.Client, proxy: str, method: str) -> None:
    """Other attributes and the toxicity keep their values."""
    client.post(f"{proxy}/toxics", json=LATENCY)
    path = f"{proxy}/toxics/latency_downstream"
    body = {"attributes": {"jitter": 3}, "name": "other", "stream": "upstream"}
    client.request(method, path, json=body)
    expected = toxic(attributes={"latency": 5, "jitter": 3}, toxicity=0.5)
    assert expected == client.request(method, path, json={"toxicity": 0.5}).json()


def test_failed_update_leaves_what_could_be_read(client: httpx.Client, proxy: str) -> None:
    """The answer is 400, yet the jitter has changed."""
    client.post(f"{proxy}/toxics", json=LATENCY)
    path = f"{proxy}/toxics/latency_downstream"
    answer = client.patch(path, json={"attributes": {"jitter": 4, "latency": "x"}})
    assert answer.status_code == 400
    assert toxic(attributes={"latency": 5, "jitter": 4}) == client.get(path).json()


def test_what_is_not_there_is_not_found(client: httpx.Client, proxy: str) -> None:
    """Proxies and toxics without a name like that give 404."""
    for method in ("GET", "PATCH", "DELETE"):
        answer = client.request(method, "/proxies/q", content="{}" if method == "PATCH" else None)
        assert (404, "proxy not found") == refusal(answer)
        path = f"{proxy}/toxics/q"
        answer = client.request(method, path, content="{}" if method == "PATCH" else None)
        assert (404, "toxic not found") == refusal(answer)


def test_deleting_says_no_content(client: httpx.Client, proxy: str) -> None:
    """A toxic and a proxy go with 204."""
    client.post(f"{proxy}/toxics", json=LATENCY)
    assert 204 == client.delete(f"{proxy}/toxics/latency_downstream").status_code
    assert 204 == client.delete(proxy).status_code
    assert client.get("/proxies").json() == {}


def test_switching_off_and_on_keeps_address_and_toxics(client: httpx.Client, proxy: str) -> None:
    """Only ``enabled`` changes; meanwhile nobody can connect."""
    client.post(f"{proxy}/toxics", json=LATENCY)
    before = client.get(proxy).json()
    off = client.patch(proxy, json={"enabled": False}).json()
    assert before | {"enabled": False} == off
    host, _, port = before["listen"].rpartition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))
    assert before == client.post(proxy, json={"enabled": True}).json()
    socket.create_connection((host, int(port))).close()


def test_reset_enables_and_removes(client: httpx.Client, proxy: str) -> None:
    """Afterwards every proxy is enabled and has no toxic."""
    client.post(f"{proxy}/toxics", json=LATENCY)
    client.patch(proxy, json={"enabled": False})
    assert 204 == client.post("/reset").status_code
    document = client.get(proxy).json()
    assert (True, []) == (document["enabled"], document["toxics"])


def test_populate_leaves_the_same_and_replaces_the_different(
    client: httpx.Client, proxy: str
) -> None:
    """Same addresses: untouched, toxics kept, ``enabled`` ignored. Others: anew, no toxics."""
    client.post(f"{proxy}/toxics", json=LATENCY)
    before = client.get(proxy).json()
    row = {key: before[key] for key in ("name", "listen", "upstream")} | {"enabled": False}
    answer = client.post("/populate", json=[row])
    assert (201, {"proxies": [before]}) == (answer.status_code, answer.json())
    answer = client.post("/populate", json=[row | {"upstream": "127.0.0.1:7", "enabled": True}])
    assert before | {"upstream": "127.0.0.1:7", "toxics": []} == answer.json()["proxies"][0]


def test_populate_checks_all_rows_first(client: httpx.Client) -> None:
    """One row without a name spoils the request; errors come with the proxies created."""
    rows = [{"name": "a", "listen": "127.0.0.1:0", "upstream": NOWHERE}, {"upstream": NOWHERE}]
    answer = client.post("/populate", json=rows)
    assert (400, "missing required field: name at proxy 2") == refusal(answer)
    assert answer.json()["proxies"] is None
    assert client.get("/proxies").json() == {}


def test_browsers_unknown_routes_and_methods(client: httpx.Client) -> None:
    """403 for browsers, 404 and 405 in plain text."""
    browser = client.get("/version", headers={"User-Agent": "Mozilla/5.0"})
    assert (403, "User agent not allowed\n") == (browser.status_code, browser.text)
    unknown = client.get("/nothing")
    assert (404, "404 page not found\n") == (unknown.status_code, unknown.text)
    assert 405 == client.put("/proxies").status_code


def test_toxiproxy_python_works_unchanged(client: httpx.Client, api: str) -> None:
    """The client library creates, torments, switches, populates and cleans up."""
    address = urlsplit(api)
    before = APIConsumer.host, APIConsumer.port
    server = toxiproxy.Toxiproxy()
    server.update_api_consumer(address.hostname, address.port)
    try:
        _use_library(server)
    finally:
        server.update_api_consumer(*before)


def _use_library(server: Any) -> None:
    assert server.running()
    assert "version" in json.loads(server.version())
    proxy = server.create(upstream=NOWHERE, name="lib")
    with pytest.raises(ProxyExists):
        server.create(upstream=NOWHERE, name="lib")
    proxy.add_toxic(type="latency", attributes={"latency": 7})
    with pytest.raises(InvalidToxic):
        proxy.add_toxic(type="nope", name="x")
    assert proxy.get_toxic("latency_downstream").attributes == {"latency": 7, "jitter": 0}
    host, _, port = proxy.listen.rpartition(":")
    with proxy.down(), pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))
    socket.create_connection((host, int(port))).close()
    proxy.destroy_toxic("latency_downstream")
    with pytest.raises(NotFound):
        proxy.destroy_toxic("latency_downstream")
    made = server.populate([{"name": "more", "listen": "127.0.0.1:0", "upstream": NOWHERE}])
    assert ["more"] == [proxy.name for proxy in made]
    assert server.reset()
    server.destroy_all()
    assert server.proxies() == {}
