"""Addresses as Go writes them, ``host:port``, and as pairs."""

from __future__ import annotations

import socket

__all__ = ["joined", "resolved", "split"]


def split(text: str) -> tuple[str, int]:
    """
    Take ``host:port`` apart; an empty text means any address and any port.

    Raises:
        ValueError: It has no port, or the port is no number; in Go's words.
    """
    if not text:
        return "", 0
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        raise ValueError(f"address {text}: missing port in address")
    if not port.isdigit():
        raise ValueError(f"lookup tcp/{port}: unknown port")
    if int(port) > 65535:
        raise ValueError(f"address {port}: invalid port")
    return host.strip("[]"), int(port)


def joined(address: tuple[str, int]) -> str:
    """Write an address, IPv6 in brackets."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def resolved(text: str) -> str:
    """
    The same address with its name looked up, for comparison with where a proxy listens.

    Raises:
        ValueError: It cannot be taken apart.
        OSError: Nobody knows the name.
    """
    host, port = split(text)
    if not host:
        return f":{port}"
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    rows.sort(key=lambda row: row[0] != socket.AF_INET)  # Go prefers IPv4
    return joined((str(rows[0][4][0]), port))
