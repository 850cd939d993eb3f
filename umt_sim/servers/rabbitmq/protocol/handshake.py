"""The opening of a connection: who is there, how large frames may be, which virtual host."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from pamqp import base, commands, decode

from umt_sim.servers.rabbitmq.errors import (
    AmqpError,
    access_refused,
    command_invalid,
    frame_error,
    not_allowed,
)

if TYPE_CHECKING:
    from pamqp.common import FieldTable

    from umt_sim.servers.rabbitmq.rules import Rules

__all__ = ["Handshake", "Negotiated"]

_SMALLEST_FRAME = 4096
_UNLIMITED_FRAME = 2**31
_CAPABILITIES = (
    "publisher_confirms",
    "exchange_exchange_bindings",
    "basic.nack",
    "consumer_cancel_notify",
    "connection.blocked",
    "consumer_priorities",
    "authentication_failure_close",
    "per_consumer_qos",
)


class _Step(Enum):
    HEADER = "the protocol header"
    START_OK = "connection.start-ok"
    TUNE_OK = "connection.tune-ok"
    OPEN = "connection.open"
    DONE = "nothing more"


@dataclass(slots=True)
class Negotiated:
    """What both sides agreed on."""

    user: str = ""
    capabilities: Mapping[str, bool] = field(default_factory=dict)
    channel_max: int = 0
    frame_max: int = 0
    heartbeat: int = 0
    host: str = ""


class Handshake:
    """
    The steps from the protocol header to ``connection.open-ok``.

    Args:
        rules: What is offered.
        accounts: Passwords by user.
        hosts: Names of the virtual hosts.
    """

    def __init__(self, rules: Rules, accounts: Mapping[str, str], hosts: Collection[str]) -> None:
        self._rules = rules
        self._accounts = accounts
        self._hosts = hosts
        self._step = _Step.HEADER
        self._agreed = Negotiated()

    @property
    def expects_header(self) -> bool:
        """Whether the eight bytes in front of all frames are still to come."""
        return self._step is _Step.HEADER

    @property
    def done(self) -> Negotiated | None:
        """What was agreed, once the connection is open."""
        return self._agreed if self._step is _Step.DONE else None

    def may_explain(self, error: AmqpError) -> bool:
        """
        Whether the client is told of *error*.

        Before the connection is open RabbitMQ explains only refusals, and a failed
        login only to clients that say they understand it.
        """
        if error.code == 403:
            return bool(self._agreed.capabilities.get("authentication_failure_close"))
        return error.code == 530 and self._step is _Step.OPEN

    def start(self) -> base.Frame:
        """The protocol header came: introduce the broker."""
        self._step = _Step.START_OK
        properties: FieldTable = {
            "capabilities": dict.fromkeys(_CAPABILITIES, True),
            "cluster_name": "rabbit@umt-sim",
            "copyright": "none; this is a stand-in",
            "platform": "umt_sim",
            "product": "RabbitMQ",
            "version": self._rules.version,
        }
        return commands.Connection.Start(
            server_properties=properties, mechanisms="AMQPLAIN PLAIN", locales="en_US"
        )

    def step(self, method: base.Frame) -> base.Frame | None:
        """
        Take the client's next method; the answer, if there is one.

        Raises:
            AmqpError: It is out of turn or refused.
        """
        if isinstance(method, commands.Connection.StartOk) and self._step is _Step.START_OK:
            return self._log_in(method)
        if isinstance(method, commands.Connection.TuneOk) and self._step is _Step.TUNE_OK:
            self._tune(method)
            return None
        if isinstance(method, commands.Connection.Open) and self._step is _Step.OPEN:
            return self._open(method)
        raise command_invalid(f"expected {self._step.value}, got {method.name}")

    def _log_in(self, method: commands.Connection.StartOk) -> base.Frame:
        properties = method.client_properties or {}
        capabilities = properties.get("capabilities")
        if isinstance(capabilities, dict):
            self._agreed.capabilities = {
                str(name): value is True for name, value in capabilities.items()
            }
        user, password = _credentials(method)
        if user not in self._accounts or self._accounts[user] != password:
            raise access_refused(
                f"Login was refused using authentication mechanism {method.mechanism}."
                " For details see the broker logfile."
            )
        self._agreed.user = user
        self._step = _Step.TUNE_OK
        rules = self._rules
        return commands.Connection.Tune(rules.channel_max, rules.frame_max, rules.heartbeat)

    def _tune(self, method: commands.Connection.TuneOk) -> None:
        rules = self._rules
        _check("frame_max", method.frame_max, rules.frame_max, _SMALLEST_FRAME)
        _check("channel_max", method.channel_max, rules.channel_max, 1)
        self._agreed.frame_max = method.frame_max or _UNLIMITED_FRAME
        self._agreed.channel_max = method.channel_max
        self._agreed.heartbeat = method.heartbeat
        self._step = _Step.OPEN

    def _open(self, method: commands.Connection.Open) -> base.Frame:
        if method.virtual_host not in self._hosts:
            raise not_allowed(f"vhost {method.virtual_host} not found")
        self._agreed.host = method.virtual_host
        self._step = _Step.DONE
        return commands.Connection.OpenOk()


def _check(name: str, value: int, most: int, least: int) -> None:
    if value and value < least:
        raise not_allowed(
            f"failed to negotiate connection parameters: negotiated {name} = {value} is lower than"
            f" the minimum allowed value ({least})"
        )
    if most and (value == 0 or value > most):
        raise not_allowed(
            f"failed to negotiate connection parameters: negotiated {name} = {value} is higher than"
            f" the maximum allowed value ({most})"
        )


def _credentials(method: commands.Connection.StartOk) -> tuple[str, str]:
    sent: str | bytes = method.response  # pamqp gives bytes where it is not UTF-8
    response = sent.encode() if isinstance(sent, str) else sent
    if method.mechanism == "PLAIN":
        parts = response.decode("utf-8", "replace").split("\0")
        return (parts[1], parts[2]) if len(parts) == 3 else ("", "")
    if method.mechanism == "AMQPLAIN":
        try:
            table = decode.field_table(len(response).to_bytes(4, "big") + response)[1]
        except ValueError as error:
            raise frame_error(f"AMQPLAIN response cannot be read: {error}") from error
        return str(table.get("LOGIN")), str(table.get("PASSWORD"))
    raise command_invalid(f"unknown authentication mechanism '{method.mechanism}'")
