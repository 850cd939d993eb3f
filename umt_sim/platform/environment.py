"""Reads a configuration from environment variables, as a container's operator writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from umt_sim.platform.configuration import (
    Configuration,
    HttpSettings,
    PostgresSettings,
    RabbitMQSettings,
    RedisSettings,
)

__all__ = ["configuration_from"]

UPSTREAM = "UMT_UPSTREAM_"
"""``UMT_UPSTREAM_LLM=https://...`` is the upstream ``llm``."""


def configuration_from(environment: Mapping[str, str]) -> Configuration:
    """
    The configuration that *environment* describes; what it leaves out has its default.

    ============================  ===============================================
    ``UMT_RABBITMQ``              ``amqp://user:password@host:port/virtual-host``
    ``UMT_POSTGRES``              ``postgresql://user:password@host:port/database``
    ``UMT_REDIS``                 ``redis://user:password@host:port/0``
    ``UMT_UPSTREAM_<NAME>``       ``https://host/path``; a password in it is the token
    ``UMT_CREDENTIALS_KEYS``      Fernet keys, newest first, separated by commas
    ============================  ===============================================

    Raises:
        ValueError: An address is none; the message names the variable and shows no secret.
    """
    keys = environment.get("UMT_CREDENTIALS_KEYS", "")
    return Configuration(
        rabbitmq=_rabbitmq(_address("UMT_RABBITMQ", environment, "amqp://guest:guest@localhost")),
        postgres=_postgres(_address("UMT_POSTGRES", environment, "postgresql://localhost")),
        redis=_redis(_address("UMT_REDIS", environment, "redis://localhost")),
        upstreams={
            name.removeprefix(UPSTREAM).lower(): _upstream(_address(name, environment))
            for name in environment
            if name.startswith(UPSTREAM)
        },
        credentials_keys=tuple(key.strip().encode() for key in keys.split(",") if key.strip()),
    )


def _address(name: str, environment: Mapping[str, str], default: str = "") -> SplitResult:
    try:
        address = urlsplit(environment.get(name) or default)
        _ = address.port  # raises, too
    except ValueError:
        # Its text would quote a password with a # or / in it as the port.
        raise ValueError(
            f"{name} is no address: write #, /, ? and @ in a password as %23, %2F, %3F and %40"
        ) from None
    if not address.scheme or not address.hostname:
        raise ValueError(f"{name} is no address; write scheme://user:password@host:port/path")
    return address


def _rabbitmq(address: SplitResult) -> RabbitMQSettings:
    return RabbitMQSettings(**_who_and_where(address), **_stated(virtual_host=_path(address)))


def _postgres(address: SplitResult) -> PostgresSettings:
    return PostgresSettings(**_who_and_where(address), **_stated(database=_path(address)))


def _redis(address: SplitResult) -> RedisSettings:
    number = _path(address) or "0"
    if not number.isdecimal():
        raise ValueError(f"UMT_REDIS ends in the number of a database, not {number!r}")
    return RedisSettings(**_who_and_where(address), database=int(number))


def _who_and_where(address: SplitResult) -> dict[str, Any]:
    return _stated(
        host=address.hostname,
        port=address.port,
        user=unquote(address.username or ""),
        password=unquote(address.password or ""),
    )


def _path(address: SplitResult) -> str:
    return unquote(address.path[1:])


def _stated(**parts: Any) -> dict[str, Any]:
    """What the address says; the rest is left to the defaults."""
    return {name: part for name, part in parts.items() if part}


def _upstream(address: SplitResult) -> HttpSettings:
    host = address.hostname or ""
    place = f"[{host}]" if ":" in host else host
    port = f":{address.port}" if address.port else ""
    return HttpSettings(
        base_url=f"{address.scheme}://{place}{port}{address.path}",
        token=unquote(address.password or ""),
    )
