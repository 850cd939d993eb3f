"""What an operator writes into the environment is what the platform is configured with."""

from __future__ import annotations

import pytest

from umt_sim.platform.configuration import (
    Configuration,
    HttpSettings,
    PostgresSettings,
    RabbitMQSettings,
    RedisSettings,
)
from umt_sim.platform.environment import configuration_from


def test_an_empty_environment_leaves_the_defaults() -> None:
    """Everything is on this machine, and there is no upstream."""
    assert Configuration() == configuration_from({})


def test_addresses_are_taken_apart() -> None:
    """User, password, host, port and path each go where they belong, unquoted."""
    assert Configuration(
        rabbitmq=RabbitMQSettings(
            host="mq", port=5673, user="umt", password="p@ss", virtual_host="/prod"
        ),
        postgres=PostgresSettings(host="db", port=5433, user="u", password="x", database="umt"),
        redis=RedisSettings(host="cache", port=6380, password="r", database=2),
        upstreams={
            "llm": HttpSettings(base_url="https://llm.example/api", token="key"),
            "ads": HttpSettings(base_url="http://ads:8080"),
        },
        credentials_keys=(b"new", b"old"),
    ) == configuration_from(
        {
            "UMT_RABBITMQ": "amqp://umt:p%40ss@mq:5673/%2Fprod",
            "UMT_POSTGRES": "postgresql://u:x@db:5433/umt",
            "UMT_REDIS": "redis://:r@cache:6380/2",
            "UMT_UPSTREAM_LLM": "https://:key@llm.example/api",
            "UMT_UPSTREAM_ADS": "http://ads:8080",
            "UMT_CREDENTIALS_KEYS": "new, old",
            "HOME": "/root",
        }
    )


@pytest.mark.parametrize("wrong", ["localhost", "amqp://user:secret@host:port/", "amqp://"])
def test_what_is_no_address_is_refused_without_its_secret(wrong: str) -> None:
    """The variable is named, the password is not."""
    with pytest.raises(ValueError, match="UMT_RABBITMQ is no address") as refusal:
        configuration_from({"UMT_RABBITMQ": wrong})
    assert "secret" not in str(refusal.value)
