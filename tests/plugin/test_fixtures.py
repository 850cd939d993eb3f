"""Fixtures of the plugin: a scenario's result, and a world for one test."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import HOLDS, scenario


def test_a_scenario_can_be_run_from_a_test(project: pytest.Pytester) -> None:
    """``umt_run`` returns the result, with edits applied."""
    scenario(project, "shop.yaml", HOLDS)
    project.makepyfile(
        """
        def test_half(umt_run):
            result = umt_run("chaos/shop.yaml", seed=3, overrides=["clock.duration=10s"])
            assert (3, 199) == (result.seed, len(result.operations))
        """
    )
    project.runpytest().assert_outcomes(passed=2)  # the scenario itself, too


def test_a_test_gets_services_in_virtual_time(project: pytest.Pytester) -> None:
    """The marker's services answer the test's own driver, and faults reach them."""
    project.makepyfile(
        """
        import asyncio
        import pytest
        from redis.asyncio import Redis
        from redis.exceptions import ConnectionError
        from umt_sim.faults.actions import Down

        @pytest.mark.umt(seed=3, redis={"kind": "redis", "command": "20ms"})
        def test_cache(sim_world):
            async def story(scene):
                client = Redis.from_url(scene.endpoints["redis"].url, retry=None)
                began = scene.now()
                await client.get("key")
                async with scene.fault(Down(target="redis")):
                    with pytest.raises(ConnectionError):
                        await client.get("key")
                await asyncio.sleep(3600)
                await client.aclose()
                return scene.now() - began
            assert sim_world.run(story) > 3600

        @pytest.mark.umt(redis={"kind": "redis", "comand": "20ms"})
        def test_misspelt(sim_world):
            pass
        """
    )
    result = project.runpytest()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(['*redis.comand: unknown field, did you mean "command"?'])
