"""Options of the whole suite."""

from __future__ import annotations

from pathlib import Path

import pytest

TOXIC_VECTORS = Path(__file__).parent / "data" / "toxic_vectors.json"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--vectors",
        metavar="FILE",
        default=str(TOXIC_VECTORS),
        help="toxic vectors to hold the proxies to (default: tests/data/toxic_vectors.json)",
    )
