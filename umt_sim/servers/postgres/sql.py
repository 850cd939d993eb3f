"""
Reads the clients' SQL where it matters to time: what kind of work it is, and what it must not say.

Words that the engine's parser turns into its own clock (CURRENT_TIMESTAMP and its kin) are
replaced by functions of the same name, which tell virtual time. Timeouts are renamed to
settings on which the engine does not act. What can be given no virtual value is refused by name.
"""

from __future__ import annotations

import re
from enum import Flag, auto
from functools import lru_cache

from umt_sim.servers.postgres import limits, wire
from umt_sim.servers.postgres.errors import Interrupted, Interruption
from umt_sim.servers.postgres.inbox import Batch
from umt_sim.servers.postgres.wire import COPY_DONE, FLUSH, FUNCTION_CALL, PARSE, QUERY, SYNC

__all__ = ["Hint", "hints", "operation", "translated"]

RENAMED = limits.PREFIX.encode()
LONGEST_REMEMBERED = 2000  # bytes of a text that is worth keeping translated

OPERATIONS = {
    b"BEGIN": "begin",
    b"START": "begin",
    b"COMMIT": "commit",
    b"END": "commit",
    b"ROLLBACK": "rollback",
    b"ABORT": "rollback",
}
FIRST_WORD = re.compile(rb"(?:\s+|--[^\n]*\n|/\*.*?\*/)*([A-Za-z]*)", re.DOTALL)

CLOCK_WORDS = (b"current_timestamp", b"current_date", b"current_time", b"localtimestamp",
               b"localtime")  # fmt: skip
REFUSED_WORDS = {
    b"gen_random_bytes": "use gen_random_uuid() or random()",
    b"gen_salt": "make the salt in the program",
    b"uuid_generate_v1": "use gen_random_uuid()",
    b"uuid_generate_v1mc": "use gen_random_uuid()",
    b"uuid_generate_v4": "use gen_random_uuid()",
    b"tablesample": "use WHERE random() < ...",
    b"pg_cancel_backend": "send a cancel request, as drivers do",
    b"pg_terminate_backend": "close the connection or restart the server",
}
SETTING_NAMES = frozenset(name.encode() for name in limits.SETTINGS)
INTERESTING = re.compile(
    rb"\b(?:current_time|current_date|localtime|gen_random_bytes|gen_salt|uuid_generate_v"
    rb"|tablesample|pg_cancel_backend|pg_terminate_backend|now|today|tomorrow|yesterday|"
    + b"|".join(sorted(SETTING_NAMES))
    + rb")",
    re.IGNORECASE,
)
SETTER = re.compile(rb"\b(?:set|local|session|reset|show)\s+$", re.IGNORECASE)
TOKEN = re.compile(
    rb"""
    --[^\n]* | /\*.*?\*/                          # a comment
  | [eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*'     # a string
  | "(?:[^"]|"")*"                                # a quoted name
  | \$(?P<tag>(?:[A-Za-z_][A-Za-z_0-9]*)?)\$.*?\$(?P=tag)\$  # a string, as a rule of code
  | (?P<word>[A-Za-z_][A-Za-z_0-9$]*)
    """,
    re.DOTALL | re.VERBOSE,
)
PRECEDED_BY_AS = re.compile(rb"(?:\bas\s+|\.\s*)$", re.IGNORECASE)
CALL = re.compile(rb"\s*\(\s*\d+\s*\)")
HINTING = re.compile(rb"unlock|exception|(notify)", re.IGNORECASE)
SPECIAL_DATES = re.compile(
    rb"""'\s*(?:now|today|tomorrow|yesterday)\s*'\s*::\s*(?:date|time)
       | \b(?:date|time(?:stamp)?(?:tz)?)\s*(?:\(\s*\d\s*\))?\s*(?:with(?:out)?\s+time\s+zone\s*)?
         '\s*(?:now|today|tomorrow|yesterday)\s*'
       | cast\s*\(\s*'\s*(?:now|today|tomorrow|yesterday)\s*'\s+as\s+(?:date|time)""",
    re.IGNORECASE | re.VERBOSE,
)


class Hint(Flag):
    """What SQL may do that nobody sees from outside."""

    UNLOCKS = auto()  # advisory locks, or those of a block whose EXCEPTION part takes over
    NOTIFIES = auto()


def operation(batch: Batch) -> str | None:
    """
    Which operation of a server's capacity a batch is, if it is any.

    ``begin``, ``commit``, ``rollback`` as statements of their own; ``copy`` for the end of
    COPY FROM, with the size of its last piece; ``prepare`` for anything that runs nothing;
    ``query`` for everything else.
    """
    if batch.last == QUERY:
        word = FIRST_WORD.match(batch.data, 5)
        return OPERATIONS.get(word.group(1).upper(), "query") if word else "query"
    if batch.last in (SYNC, FLUSH):
        if batch.executes:
            return "query"
        return "prepare" if batch.answers else None
    return {COPY_DONE: "copy", FUNCTION_CALL: "query"}.get(batch.last)


def hints(data: bytes) -> Hint:
    """What the texts of a batch, or functions they make, may do later on."""
    found = Hint(0)
    for match in HINTING.finditer(data):
        found |= Hint.NOTIFIES if match.lastindex else Hint.UNLOCKS
    return found


def translated(data: bytes) -> bytes:
    """
    The messages with their SQL in the form for the engine.

    Raises:
        Interrupted: A text asks for what has no virtual value.
    """
    if not INTERESTING.search(data):
        return data
    parts = []
    for kind, begin, end in wire.frames(data):
        frame = data[begin:end]
        if kind == QUERY:
            frame = wire.message(b"Q", _text(frame[5:]))
        elif kind == PARSE and frame.count(0, 5) >= 2:  # else the engine will refuse it
            name, text, types = frame[5:].split(b"\0", 2)
            frame = wire.message(b"P", name + b"\0" + _text(text) + b"\0" + types)
        parts.append(frame)
    return b"".join(parts)


def _text(text: bytes) -> bytes:
    if len(text) <= LONGEST_REMEMBERED:
        return _remembered(text)
    return _translated(text)


def _translated(text: bytes) -> bytes:
    """One text in the form for the engine."""
    if special := SPECIAL_DATES.search(text):
        raise _refused(special.group().decode(errors="replace"), "use now() or current_date")
    parts, at = [], 0
    for token in TOKEN.finditer(text):
        parts.append(text[at : token.start()])
        parts.append(_token(token, text))
        at = token.end()
    parts.append(text[at:])
    return b"".join(parts)


def _token(token: re.Match[bytes], text: bytes) -> bytes:
    whole = token.group()
    if token["tag"] is not None:
        mark = len(token["tag"]) + 2
        return whole[:mark] + _translated(whole[mark:-mark]) + whole[-mark:]
    if token["word"] is None:
        if whole[:1] == b"'" and whole[1:-1].lower() in SETTING_NAMES:
            return b"'" + RENAMED + whole[1:]
        return whole
    word = whole.lower()
    if word in SETTING_NAMES and SETTER.search(text[: token.start()]):
        return RENAMED + whole
    if word in REFUSED_WORDS:
        raise _refused(word.decode(), REFUSED_WORDS[word])
    if word in CLOCK_WORDS and not PRECEDED_BY_AS.search(text[: token.start()]):
        call = b'pg_catalog."' + word + b'"'
        return call if CALL.match(text, token.end()) else call + b"()"
    return whole


_remembered = lru_cache(maxsize=4096)(_translated)


def _refused(what: str, instead: str) -> Interrupted:
    return Interrupted(
        Interruption(
            "0A000",
            f"{what} is not available in virtual time",
            {
                "D": "It would reach for the machine's clock, randomness or processes, and no"
                " two runs would be the same.",
                "H": instead,
            },
        )
    )
