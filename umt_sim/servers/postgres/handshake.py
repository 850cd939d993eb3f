"""How a connection becomes a session: encryption, cancel requests, parameters, the greeting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from umt_sim.servers.capacity import QueueFull, Restarted
from umt_sim.servers.postgres import errors, limits, wire
from umt_sim.servers.postgres.backend import Backend, EngineRefused
from umt_sim.servers.postgres.password import ask_password
from umt_sim.servers.postgres.turnstile import Ride

if TYPE_CHECKING:
    from umt_sim.servers.postgres.session import Session

__all__ = ["Goodbye", "open_ride"]

READY_SIZE = 6  # of ReadyForQuery, which ends every greeting


class Goodbye(Exception):
    """
    The session ends here.

    Attributes:
        words: What the client is told, possibly nothing.
    """

    def __init__(self, words: bytes = b"") -> None:
        self.words = words
        super().__init__(words)


async def open_ride(session: Session) -> Ride:
    """
    Bring a new connection to the point where it may send statements.

    Raises:
        Goodbye: It does not get there.
        ProtocolViolation: The client does not speak the protocol.
    """
    protocol, body = await _startup_packet(session)
    parameters = wire.parameters_of(body)
    server = session.server
    server.let_in(session)
    try:
        await server.capacity.serve("connect")
    except QueueFull as full:
        raise Goodbye(errors.TOO_MANY) from full
    except Restarted as restarted:
        raise Goodbye(errors.STARTING_UP) from restarted
    if server.secret is not None:
        refusal = await ask_password(
            session, server.secret, server.stream, parameters.get("user", "")
        )
        if refusal is not None:
            raise Goodbye(refusal)
    row = server.clock.take_row()
    number = server.next_pid()
    known = limits.renamed(parameters)
    wanted = {**known, "umt_sim.row": str(row), "umt_sim.pid": str(number)}
    try:
        backend = Backend(server.engine.socket_path, wanted, protocol)
    except EngineRefused as refused:
        server.clock.give_back(row)
        raise Goodbye(refused.said) from refused
    backend.ask(f"SELECT setseed({server.stream.uniform(-1, 1)!r})")
    ride = Ride(pid=number, row=row, backend=backend, hear=session.hear)
    secret = server.register(session, ride)
    session.has_limits |= known != parameters
    key = wire.message(b"K", number.to_bytes(4, "big") + secret)
    greeting = backend.greeting
    session.say(greeting[:-READY_SIZE] + key + greeting[-READY_SIZE:])
    return ride


async def _startup_packet(session: Session) -> tuple[int, bytes]:
    """Version and body of the StartupMessage, after anything that may come before it."""
    while True:
        packet = await session.inbox.packet()
        if packet is None:
            raise Goodbye
        code, body = int.from_bytes(packet[:4], "big"), packet[4:]
        if code == wire.SSL_REQUEST:
            await _encrypt(session)
        elif code == wire.GSSENC_REQUEST:
            session.say(b"N")
        elif code == wire.CANCEL_REQUEST:
            session.server.cancel(int.from_bytes(body[:4], "big"), body[4:])
            raise Goodbye
        elif code >> 16 != 3:
            raise Goodbye(
                errors.fatal(
                    "0A000",
                    f"unsupported frontend protocol {code >> 16}.{code & 0xFFFF}:"
                    " server supports 3.0 to 3.2",
                )
            )
        else:
            return code, body


async def _encrypt(session: Session) -> None:
    """Answer an SSLRequest, with TLS if the server has a certificate."""
    context = session.server.tls
    if context is None:
        session.say(b"N")
        return
    if len(session.inbox):
        raise wire.ProtocolViolation("received unencrypted data after SSL request")
    session.say(b"S")
    try:
        transport = await session.loop.start_tls(
            session.transport, session, context, server_side=True
        )
    except OSError as error:  # ssl.SSLError is one
        raise Goodbye from error
    assert transport is not None
    session.transport = transport
