"""Gives every test that takes a ``vector`` each one of the file named by ``--vectors``."""

from __future__ import annotations

import pytest

from tests.conformance.toxics.vectors import load


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "vector" in metafunc.fixturenames:
        vectors = load(metafunc.config.getoption("vectors"))
        metafunc.parametrize("vector", vectors, ids=[vector.id for vector in vectors])
