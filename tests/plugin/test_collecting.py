"""Scenario files are collected, run and explained by pytest."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from tests.plugin.conftest import CANNOT_TELL, FAILS, HOLDS, scenario


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest("-p", "no:cacheprovider", *arguments)


def test_a_scenario_is_a_test_of_its_name_and_seed(project: pytest.Pytester) -> None:
    """A file that holds passes as ``shop[s7]``."""
    scenario(project, "shop.yaml", HOLDS)
    result = run(project, "-v")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["chaos/shop.yaml::shop[[]s7[]] PASSED*"])


def test_a_failure_shows_every_verdict_and_how_to_repeat_it(project: pytest.Pytester) -> None:
    """The report has the expectation, what was measured, and the command; no traceback."""
    scenario(project, "shop.yaml", FAILS)
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "FAILED: shop, sim world, seed 7",
            f"*FAIL  {FAILS}",
            "*10 %*",
            "reproduce: umt-sim run chaos/shop.yaml --world sim --seed 7*",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_run_that_cannot_tell_is_no_pass(project: pytest.Pytester) -> None:
    """INCONCLUSIVE fails the test and says why."""
    scenario(project, "shop.yaml", CANNOT_TELL)
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["INCONCLUSIVE: shop*", "*?     latency(buy).p99*"])


def test_a_broken_file_is_an_error_of_the_collection(project: pytest.Pytester) -> None:
    """Its line, column and remedy are shown; other files still run."""
    scenario(project, "good.yaml", HOLDS)
    scenario(project, "bad.yaml", "eror_rate(buy) < 50%")
    result = run(project, "--continue-on-collection-errors")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(['chaos/bad.yaml:*did you mean "error_rate"?*'])


def test_seeds_are_counted_on(project: pytest.Pytester) -> None:
    """``--umt-seeds 3`` gives three items, the scenario's own seed first."""
    scenario(project, "shop.yaml", HOLDS)
    result = run(project, "--umt-seeds", "3", "--collect-only", "-q")
    assert [f"chaos/shop.yaml::shop[s{seed}]" for seed in (7, 8, 9)] == [
        line for line in result.outlines if "::" in line
    ]


@pytest.mark.parametrize(("expression", "count"), [("shopping", 1), ("not shopping", 0)])
def test_marks_come_from_the_file(project: pytest.Pytester, expression: str, count: int) -> None:
    """``-m`` selects by the marks that the scenario states."""
    scenario(project, "shop.yaml", HOLDS)
    result = run(project, "-m", expression, "--strict-markers")
    result.assert_outcomes(passed=count, deselected=1 - count)


def test_other_yaml_files_are_left_alone(project: pytest.Pytester) -> None:
    """Only files of the pattern are taken; without a pattern only what looks like a scenario."""
    scenario(project, "shop.yaml", HOLDS)
    (project.path / "compose.yaml").write_text("services: {}\n")
    run(project).assert_outcomes(passed=1)
    project.makefile(".ini", pytest="[pytest]\npythonpath = .\n")
    folder = project.mkdir("scenarios")
    (folder / "compose.yaml").write_text("services: {}\n")
    (project.path / "chaos" / "shop.yaml").rename(folder / "shop.yaml")
    run(project, "-W", "ignore").assert_outcomes(passed=1)


def test_numbers_are_properties_of_the_junit_file(project: pytest.Pytester) -> None:
    """Seed, verdict, tape hash and what was measured stand beside the test case."""
    scenario(project, "shop.yaml", HOLDS)
    run(project, "--junitxml", "out.xml")
    properties = {
        each.get("name"): each.get("value")
        for each in ET.parse(project.path / "out.xml").getroot().iter("property")
    }
    assert "7" == properties["umt.seed"]
    assert "passed" == properties["umt.verdict"]
    assert 32 == len(properties["umt.tape_hash"] or "")
    assert 0.1 == pytest.approx(float(properties[f"umt.{HOLDS}"] or ""), abs=1e-3)


def test_runs_are_kept_where_asked(project: pytest.Pytester) -> None:
    """``--umt-runs`` stores each run, and a failure names its folder."""
    scenario(project, "shop.yaml", FAILS)
    result = run(project, "--umt-runs", "kept")
    result.stdout.fnmatch_lines(["journal:   kept/shop/*-7"])
    assert 1 == len(list((project.path / "kept" / "shop").glob("*-7/run.json")))


def test_workers_share_the_scenarios(project: pytest.Pytester) -> None:
    """Under xdist each worker runs its part."""
    scenario(project, "one.yaml", HOLDS)
    scenario(project, "two.yaml", FAILS)
    run(project, "-n2", "--umt-seeds", "2").assert_outcomes(passed=2, failed=2)


def test_what_failed_last_is_run_again_alone(project: pytest.Pytester) -> None:
    """``--lf`` knows a scenario's test again by its name and seed."""
    scenario(project, "one.yaml", HOLDS)
    scenario(project, "two.yaml", FAILS)
    project.runpytest("--umt-seeds", "2").assert_outcomes(passed=2, failed=2)
    project.runpytest("--umt-seeds", "2", "--lf").assert_outcomes(failed=2)


def test_the_plugin_costs_nothing_until_it_is_used(project: pytest.Pytester) -> None:
    """A pytest run without scenarios imports neither pandas nor the kernel."""
    project.makepyfile(
        """
        import sys

        def test_nothing_heavy():
            heavy = [name for name in ("pandas", "simpy", "aio_pika", "umt_sim.kernel")
                     if name in sys.modules]
            assert [] == heavy
        """
    )
    project.runpytest_subprocess().assert_outcomes(passed=1)
