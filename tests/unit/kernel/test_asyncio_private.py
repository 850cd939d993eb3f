"""asyncio's private names that the kernel relies on exist in this Python."""

from __future__ import annotations

import asyncio
import importlib

import pytest

from umt_sim.kernel.asyncio_private import ATTRIBUTES, METHODS, MODULE_NAMES


@pytest.mark.parametrize(
    ("owner", "name"), [(owner, name) for owner, names in METHODS.items() for name in names]
)
def test_methods_exist(owner, name):
    """Each private method is there."""
    assert callable(getattr(owner, name))


@pytest.mark.parametrize(
    ("module", "name"),
    [(module, name) for module, names in MODULE_NAMES.items() for name in names],
)
def test_module_names_exist(module, name):
    """Each private function is there."""
    assert callable(getattr(importlib.import_module(module), name))


def test_attributes_exist():
    """Each private attribute is there on a living instance."""

    async def main():
        loop = asyncio.get_running_loop()
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        timer = loop.call_later(1, print)
        instances = [loop, server, timer, loop.call_soon(int), asyncio.current_task()]
        for owner, names in ATTRIBUTES.items():
            instance = next(item for item in instances if isinstance(item, owner))
            for name in names:
                assert hasattr(instance, name), f"{owner.__name__}.{name}"
        timer.cancel()
        server.close()
        await server.wait_closed()

    asyncio.run(main())
