"""
The one place that speaks to a Toxiproxy server.

``toxiproxy-python`` knows the API, but keeps its target in class variables, waits for
ever, takes an error of the server for an answer, and cannot change a proxy or send a
token. So every call holds one lock, points the library at its target, and gives it a
session of ours in place of ``requests``: with a deadline, with the token, and with one
error for whatever is not a success.
"""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any
from urllib.parse import quote

import requests
from toxiproxy import Toxiproxy, api
from toxiproxy.api import APIConsumer

from umt_sim.errors import ToxiproxyError, WorldUnavailable

__all__ = ["OLDEST", "Gateway"]

OLDEST = (2, 6)
"""The first version that can change a proxy by PATCH."""

SAID = re.compile(r'\s*(?:{"version":\s*")?(\d+\.\d+(?:\.\d+)?|git)')
"""How a server tells its version: plain until 2.5, as JSON since."""

PATIENCE = 30.0  # seconds; the server itself gives up after 25 and answers 503
TOKEN = "TOXIPROXY_AUTH_TOKEN"  # noqa: S105 - the name of the server's own variable
REMEDY = "go install github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0"

_target = Lock()
"""Held while the library's class variables point at one server."""


class Gateway:
    """
    One Toxiproxy server.

    Args:
        host: Of its API.
        port: Of its API.
        token: For servers that ask for one; ``TOXIPROXY_AUTH_TOKEN`` when left out.
    """

    def __init__(self, host: str, port: int, token: str | None = None) -> None:
        self.host = host
        self.port = port
        self._session = _Session(token or os.environ.get(TOKEN, ""))

    def version(self) -> str:
        """
        What the server calls itself: ``2.12.0``, or ``git`` when built without a version.

        Raises:
            ToxiproxyError: Nobody answers, or somebody who is not Toxiproxy.
        """
        text = str(self._ask("GET", "/version").text)
        found = SAID.match(text)
        if found is None:
            raise ToxiproxyError(f"{self._url} is not Toxiproxy; it answers {text[:80]!r}")
        return found.group(1)

    def check(self) -> str:
        """
        Make sure that the server is one we can work with; its version.

        Raises:
            WorldUnavailable: It does not answer or is too old.
        """
        try:
            version = self.version()
        except ToxiproxyError as error:
            raise WorldUnavailable("toxiproxy", str(error), remedy=f"start it: {REMEDY}") from error
        if version != "git" and tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
            oldest = ".".join(map(str, OLDEST))
            raise WorldUnavailable(
                "toxiproxy", f"version {version} is too old, {oldest} is needed", remedy=REMEDY
            )
        return version

    def create_proxy(self, name: str, *, listen: str, upstream: str) -> str:
        """Make a proxy; the address it listens on."""
        with self._library():
            return str(Toxiproxy().create(upstream=upstream, name=name, listen=listen).listen)

    def delete_proxy(self, name: str) -> None:
        """Forget a proxy; its connections end."""
        self._ask("DELETE", f"/proxies/{quote(name)}")

    def set_enabled(self, name: str, *, enabled: bool) -> None:
        """Let a proxy listen, or end its connections and refuse new ones."""
        self._ask("PATCH", f"/proxies/{quote(name)}", {"enabled": enabled})

    def is_enabled(self, name: str) -> bool:
        """Whether a proxy listens."""
        return bool(self._ask("GET", f"/proxies/{quote(name)}").json()["enabled"])

    def add_toxic(
        self,
        proxy: str,
        name: str,
        *,
        type: str,  # noqa: A002 - Toxiproxy's word
        stream: str,
        toxicity: float,
        attributes: Mapping[str, int],
    ) -> None:
        """Add a toxic; returns when every live connection has it."""
        with self._library():
            found = Toxiproxy().get_proxy(proxy)
            if found is None:
                raise ToxiproxyError(f"{self._url} has no proxy {proxy!r}", absent=True)
            found.add_toxic(
                name=name, type=type, stream=stream, toxicity=toxicity, attributes=dict(attributes)
            )

    def remove_toxic(self, proxy: str, name: str) -> None:
        """Remove a toxic; returns when every live connection is rid of it."""
        self._ask("DELETE", f"/proxies/{quote(proxy)}/toxics/{quote(name)}")

    def toxics(self, proxy: str) -> list[str]:
        """Names of a proxy's toxics."""
        return [
            str(toxic["name"])
            for toxic in self._ask("GET", f"/proxies/{quote(proxy)}/toxics").json()
        ]

    @property
    def _url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def _ask(self, method: str, path: str, body: object = None) -> requests.Response:
        """What the library cannot do, or does without a deadline."""
        with _target:
            return self._session.request(method, self._url + path, json=body)

    @contextmanager
    def _library(self) -> Iterator[None]:
        """Point the library at this server, for the calls inside."""
        with _target:
            before = (APIConsumer.host, APIConsumer.port, api.requests)
            APIConsumer.host, APIConsumer.port, api.requests = self.host, self.port, self._session
            try:
                yield
            finally:
                APIConsumer.host, APIConsumer.port, api.requests = before


class _Session(requests.Session):
    """Requests with a deadline and a token, and one error for every failure."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.trust_env = False  # a proxy of the environment is not for loopback
        if token:
            self.headers["Authorization"] = f"Bearer {token}"

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """Ask, and insist on success."""
        kwargs.setdefault("timeout", PATIENCE)
        what = f"{method} {url}"
        try:
            response = super().request(method, url, *args, **kwargs)
        except requests.ConnectionError as error:
            absent = not _out_of_reach(error)
            raise ToxiproxyError(f"{what}: nobody answers there", absent=absent) from error
        except requests.RequestException as error:
            raise ToxiproxyError(f"{what}: {error}") from error
        if not response.ok:
            said = response.text.strip()[:200]
            raise ToxiproxyError(
                f"{what}: {response.status_code} {said}", absent=response.status_code == 404
            )
        return response


def _out_of_reach(error: BaseException | None) -> bool:
    """Whether it cannot be told if a server is gone: only the way to it may be."""
    while error is not None:
        if isinstance(error, socket.gaierror | TimeoutError | requests.Timeout):
            return True
        if isinstance(error, OSError) and error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
            return True
        error = error.__cause__ or error.__context__
    return False
