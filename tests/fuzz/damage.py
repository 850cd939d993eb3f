"""Ways to spoil a message: octets changed, lost, added, repeated, or the end cut off."""

from __future__ import annotations

from random import Random

__all__ = ["in_pieces", "spoilt"]


def spoilt(draw: Random, message: bytes) -> bytes:
    """*message*, changed in one to three places; never the same as before."""
    damaged = message
    for _ in range(draw.choice((1, 1, 2, 3))):
        damaged = _hurt(draw, bytearray(damaged))
    return damaged if damaged != message else message + draw.randbytes(1)


def _hurt(draw: Random, data: bytearray) -> bytes:
    at = draw.randrange(len(data) + 1)
    match draw.randrange(6):
        case 0:  # another octet
            data[at : at + 1] = draw.randbytes(1)
        case 1:  # one bit: most often something that is nearly right
            at = min(at, len(data) - 1)
            if data:
                data[at] ^= 1 << draw.randrange(8)
        case 2:
            del data[at : at + draw.randrange(1, 12)]
        case 3:
            data[at:at] = draw.randbytes(draw.randrange(1, 12))
        case 4:
            data[at:at] = data[at : at + draw.randrange(1, 40)]
        case _:
            del data[at:]
    return bytes(data)


def in_pieces(draw: Random, data: bytes) -> list[bytes]:
    """*data* as sockets may cut it; most often whole."""
    if len(data) < 2 or draw.random() < 0.7:
        return [data]
    marks = sorted(draw.sample(range(1, len(data)), k=min(len(data) - 1, draw.choice((1, 2)))))
    return [data[begin:end] for begin, end in zip([0, *marks], [*marks, len(data)], strict=True)]
