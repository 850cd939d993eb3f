"""Gives every test that takes a ``vector`` each one of the file named by ``--vectors``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conformance.toxics.vectors import load

SHIPPED = Path(__file__).parents[2] / "data" / "toxic_vectors.json"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "vector" in metafunc.fixturenames:
        named = Path(metafunc.config.getoption("vectors"))
        vectors = load(named if _about_toxics(named) else SHIPPED)
        metafunc.parametrize("vector", vectors, ids=[vector.id for vector in vectors])


def _about_toxics(path: Path) -> bool:
    """Circuit breakers have vectors too, and share the option."""
    if path.suffix == ".gz":
        return False
    vectors = json.loads(path.read_text())["vectors"]
    return bool(vectors) and "steps" not in vectors[0]
