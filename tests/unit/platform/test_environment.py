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


@pytest.mark.parametrize(
    "wrong",
    [
        "localhost",
        "amqp://user:secret@host:port/",
        "amqp://user:secret#1@host/",
        "amqp://user:secret/1@host/",
        "amqp://",
    ],
)
def test_what_is_no_address_is_refused_without_its_secret(wrong: str) -> None:
    """The variable is named, the password is not."""
    with pytest.raises(ValueError, match="UMT_RABBITMQ is no address") as refusal:
        configuration_from({"UMT_RABBITMQ": wrong})
    assert "secret" not in str(refusal.value)


def test_the_host_of_an_upstream_may_be_an_ip_6_address() -> None:
    """Its brackets stay, or its colons would be taken for the port's."""
    configuration = configuration_from({"UMT_UPSTREAM_LLM": "http://[::1]:8080/api"})
    assert "http://[::1]:8080/api" == configuration.upstreams["llm"].base_url


def test_a_redis_database_is_a_number() -> None:
    """A name is refused, and the variable it stands in is named."""
    with pytest.raises(ValueError, match="UMT_REDIS ends in the number of a database, not 'main'"):
        configuration_from({"UMT_REDIS": "redis://cache/main"})


@pytest.mark.parametrize("token", ["secret\n", "sécret", "se cret", "secret\0"])
def test_a_token_that_no_header_can_hold_is_refused_unseen(token: str) -> None:
    """The line break at the end of a file is the usual one; found late, it would be quoted."""
    with pytest.raises(ValueError, match="token is visible ASCII") as refusal:
        HttpSettings(base_url="http://llm", token=token)
    assert token not in str(refusal.value)


def test_a_password_in_a_base_url_is_refused_unseen() -> None:
    """The address is printed with the settings, and by the HTTP library's log."""
    with pytest.raises(ValueError, match="base_url holds no password") as refusal:
        HttpSettings(base_url="http://user:secret@llm")
    assert "secret" not in str(refusal.value)
