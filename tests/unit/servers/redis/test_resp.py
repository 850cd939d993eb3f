"""
The parser against whatever comes, and the encoder against the letter of the protocol.

``UMT_SIM_FUZZ_CASES`` in the environment asks for more cases than the usual few thousand.
"""

from __future__ import annotations

import os
from random import Random
from typing import Any

import pytest
from fakeredis._helpers import SimpleError, SimpleString

from umt_sim.servers.redis.resp import (
    NULL_ARRAY,
    Parser,
    ProtocolError,
    SetReply,
    encoder,
    push,
)

FUZZ_CASES = int(os.environ.get("UMT_SIM_FUZZ_CASES", "3000"))


def encoded(command: list[bytes]) -> bytes:
    return b"*%d\r\n" % len(command) + b"".join(
        b"$%d\r\n%b\r\n" % (len(field), field) for field in command
    )


def random_command(stream: Random) -> list[bytes]:
    return [
        stream.randbytes(stream.choice((0, 1, 3, 10, 200))) for _ in range(stream.randint(1, 6))
    ]


def in_pieces(data: bytes, stream: Random) -> list[bytes]:
    pieces = []
    while data:
        size = stream.choice((1, 2, 3, 7, 50, 1000))
        pieces.append(data[:size])
        data = data[size:]
    return pieces


def test_commands_survive_any_cut() -> None:
    """Whatever the bytes and wherever they are cut, the same commands come out, in order."""
    for seed in range(FUZZ_CASES // 10):
        stream = Random(f"cut:{seed}")
        commands = [random_command(stream) for _ in range(stream.randint(1, 10))]
        parser = Parser()
        found: list[list[bytes]] = []
        for piece in in_pieces(b"".join(map(encoded, commands)), stream):
            found += parser.feed(piece)
        assert commands == found, f"seed {seed}"


def test_damaged_bytes_are_refused_or_read_but_never_worse() -> None:
    """Flipped, lost and doubled bytes end in commands or in ProtocolError, nothing else."""
    outcomes = {"read": 0, "refused": 0}
    for seed in range(FUZZ_CASES):
        stream = Random(f"damage:{seed}")
        data = bytearray(b"".join(encoded(random_command(stream)) for _ in range(3)))
        for _ in range(stream.randint(1, 4)):
            at = stream.randrange(len(data))
            match stream.randrange(3):
                case 0:
                    data[at] ^= 1 << stream.randrange(8)
                case 1:
                    del data[at : at + stream.randint(1, 5)]
                case _:
                    data[at:at] = data[at : at + 3]
        parser = Parser()
        try:
            for piece in in_pieces(bytes(data), stream):
                for command in parser.feed(piece):
                    assert all(isinstance(field, bytes) for field in command)
            outcomes["read"] += 1
        except ProtocolError:
            outcomes["refused"] += 1
    assert all(outcomes.values()), outcomes


def test_random_bytes_are_refused_or_read_but_never_worse() -> None:
    """The same of bytes that never were RESP."""
    for seed in range(FUZZ_CASES):
        stream = Random(f"noise:{seed}")
        alphabet = stream.choice((b"*$\r\n0123456789-", b"\"'\\x \r\nab", bytes(range(256))))
        parser = Parser()
        try:
            for _ in range(5):
                parser.feed(bytes(stream.choices(alphabet, k=stream.randint(1, 60))))
        except ProtocolError:
            continue


def test_what_came_before_the_mistake_is_handed_over() -> None:
    """The commands read in the same turn are in the error."""
    with pytest.raises(ProtocolError) as caught:
        Parser().feed(b"PING\r\n*1\r\n$4\r\nECHO\r\n*x\r\n")
    assert [[b"PING"], [b"ECHO"]] == caught.value.args[1]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"SET  a \t b", [b"SET", b"a", b"b"]),
        (b'SET "a b" c', [b"SET", b"a b", b"c"]),
        (b"SET 'a \"b' c", [b"SET", b'a "b', b"c"]),
        (b'ECHO "\\x41\\x4a\\n\\"\\\\"', [b"ECHO", b'AJ\n"\\']),
        (b"ECHO 'it\\'s' ''", [b"ECHO", b"it's", b""]),
        (b"   ", []),
    ],
)
def test_inline_commands_are_split_like_a_shell_does(line: bytes, words: list[bytes]) -> None:
    """Quotes hold words together; double quotes know escapes."""
    assert ([words] if words else []) == Parser().feed(line + b"\r\n")


@pytest.mark.parametrize(
    ("reply", "resp2", "resp3"),
    [
        (b"x\r\n", b"$3\r\nx\r\n\r\n", b"$3\r\nx\r\n\r\n"),
        ("é", b"$2\r\n\xc3\xa9\r\n", b"$2\r\n\xc3\xa9\r\n"),
        (SimpleString(b"OK"), b"+OK\r\n", b"+OK\r\n"),
        (SimpleError("ERR two\r\nlines"), b"-ERR two  lines\r\n", b"-ERR two  lines\r\n"),
        (-7, b":-7\r\n", b":-7\r\n"),
        (None, b"$-1\r\n", b"_\r\n"),
        (NULL_ARRAY, b"*-1\r\n", b"_\r\n"),
        (True, b":1\r\n", b"#t\r\n"),
        (2.5, b"$3\r\n2.5\r\n", b",2.5\r\n"),
        (3.0, b"$1\r\n3\r\n", b",3\r\n"),
        (float("-inf"), b"$4\r\n-inf\r\n", b",-inf\r\n"),
        ([1, [b"a"]], b"*2\r\n:1\r\n*1\r\n$1\r\na\r\n", b"*2\r\n:1\r\n*1\r\n$1\r\na\r\n"),
        ({b"a": 1}, b"*2\r\n$1\r\na\r\n:1\r\n", b"%1\r\n$1\r\na\r\n:1\r\n"),
        (SetReply([1]), b"*1\r\n:1\r\n", b"~1\r\n:1\r\n"),
        ([], b"*0\r\n", b"*0\r\n"),
    ],
)
def test_replies_are_written_to_the_letter(reply: Any, resp2: bytes, resp3: bytes) -> None:
    """Both protocols, every type."""
    assert (resp2, resp3) == (encoder(2)(reply), encoder(3)(reply))


def test_pushes_have_their_own_mark_in_resp3() -> None:
    """An array before, a push after HELLO 3."""
    message = [b"message", b"c", b"x"]
    assert b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n" == push(2, message)
    assert b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n" == push(3, message)
