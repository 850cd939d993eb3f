"""Addresses and settings of the platform, as frozen values. All times are in seconds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

__all__ = [
    "Configuration",
    "HttpSettings",
    "PostgresSettings",
    "RabbitMQSettings",
    "RedisSettings",
]

_TOKEN = re.compile(r"[!-~]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class RabbitMQSettings:
    """
    Where RabbitMQ is and how long to wait for it.

    Attributes:
        publish_timeout: From handing over a message to the broker's confirm.
        reconnect_interval: Pause between attempts to get a lost connection back.
        heartbeat: Silence after which a peer counts as dead, at twice this time.
        queue_type: ``quorum`` for a cluster, ``classic`` for a single node.
    """

    host: str = "localhost"
    port: int = 5672
    user: str = "guest"
    password: str = field(default="guest", repr=False)
    virtual_host: str = "/"
    connect_timeout: float = 5.0
    publish_timeout: float = 5.0
    reconnect_interval: float = 1.0
    heartbeat: int = 10
    queue_type: str = "quorum"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisSettings:
    """Where Redis is and how long to wait for it."""

    host: str = "localhost"
    port: int = 6379
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0
    connect_timeout: float = 1.0
    command_timeout: float = 1.0
    max_connections: int = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresSettings:
    """
    Where PostgreSQL is and how long to wait for it.

    Attributes:
        acquire_timeout: For a free session of the pool, connecting included.
        statement_timeout: For one statement; then it is cancelled at the server.
    """

    host: str = "localhost"
    port: int = 5432
    user: str = "postgres"
    password: str = field(default="", repr=False)
    database: str = "postgres"
    connect_timeout: float = 5.0
    acquire_timeout: float = 5.0
    statement_timeout: float = 5.0
    max_connections: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """
    Where an HTTP upstream is and how long to wait for it.

    Raises:
        ValueError: *base_url* holds a password, and would be shown with it; or *token* holds
            what no header can, such as the line break at the end of a file.
    """

    base_url: str
    token: str = field(default="", repr=False)
    connect_timeout: float = 2.0
    timeout: float = 30.0
    max_connections: int = 100

    def __post_init__(self) -> None:
        if "@" in urlsplit(self.base_url).netloc:
            raise ValueError("an upstream's base_url holds no password; give it as the token")
        if not _TOKEN.fullmatch(self.token):
            raise ValueError("an upstream's token is visible ASCII, with no line break or space")


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """
    Everything the platform needs to know about its surroundings.

    Attributes:
        upstreams: By name: ``llm`` is needed; ``social`` and ``ads`` where they are used.
        heartbeat_seconds: Between two signs of life of an agent; ``None`` for none.
        credentials_keys: Fernet keys of the vault, newest first; none for no vault.
    """

    rabbitmq: RabbitMQSettings = field(default_factory=RabbitMQSettings)
    redis: RedisSettings = field(default_factory=RedisSettings)
    postgres: PostgresSettings = field(default_factory=PostgresSettings)
    upstreams: Mapping[str, HttpSettings] = field(default_factory=dict)
    heartbeat_seconds: float | None = None
    credentials_keys: tuple[bytes, ...] = field(default=(), repr=False)
