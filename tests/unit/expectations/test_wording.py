"""Numbers as people read them."""

from __future__ import annotations

import pytest

from umt_sim.expectations.wording import counted


@pytest.mark.parametrize(
    ("count", "words", "text"),
    [
        (0, ("seed",), "0 seeds"),
        (1, ("seed",), "1 seed"),
        (2, ("seed",), "2 seeds"),
        (1, ("outbox", "outboxes"), "1 outbox"),
        (3, ("outbox", "outboxes"), "3 outboxes"),
    ],
)
def test_one_is_singular(count: int, words: tuple[str, ...], text: str) -> None:
    """Everything else is plural, nothing included."""
    assert text == counted(count, *words)
