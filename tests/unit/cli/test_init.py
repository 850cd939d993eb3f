"""``umt-sim init`` writes a scenario to start from, of its own or like one that is shipped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from umt_sim.cli.app import app
from umt_sim.scenario.shipped import shipped_scenarios


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def cli(*words: str) -> Result:
    """Run ``umt-sim`` with these words."""
    return CliRunner().invoke(app, words, prog_name="umt-sim")


def test_init_writes_a_scenario_that_validates(here: Path) -> None:
    """With the modeline that lets editors complete it; nothing is overwritten."""
    found = cli("init", "mine/first.yaml")
    assert found.exit_code == 0
    text = (here / "mine" / "first.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=scenario.schema.json\n")
    assert json.loads((here / "mine" / "scenario.schema.json").read_text())["title"]
    assert cli("validate", "mine/first.yaml").exit_code == 0
    assert cli("init", "mine/first.yaml").exit_code == 2


@pytest.mark.parametrize(
    ("file", "name"),
    [("my scenario.yaml", "my-scenario"), ("5.yaml", '"5"'), (".ä.yaml", "scenario")],
)
def test_init_makes_a_name_of_any_file(here: Path, file: str, name: str) -> None:
    """What is written validates, whatever its file is called."""
    found = cli("init", file)
    assert f"\nname: {name}\n" in (here / file).read_text()
    assert cli("validate", file).exit_code == 0
    assert (f"'{file}'" in found.output) == (" " in file or "ä" in file)


def test_init_begins_with_a_shipped_scenario(here: Path) -> None:
    """Under the name of the file it is written to, otherwise as it is shipped."""
    assert cli("init", "--like", "cache-loss").exit_code == 0
    assert cli("init", "mine.yaml", "--like", "cache-loss").exit_code == 0
    shipped = shipped_scenarios()["cache-loss"].read_text()
    modeline = "# yaml-language-server: $schema=scenario.schema.json\n"
    assert modeline + shipped == (here / "cache-loss.yaml").read_text()
    renamed = shipped.replace("name: cache-loss\n", "name: mine\n")
    assert modeline + renamed == (here / "mine.yaml").read_text()
    assert cli("validate", "cache-loss.yaml", "mine.yaml").exit_code == 0


@pytest.mark.parametrize(
    ("name", "said"),
    [("cache-los", 'did you mean "cache-loss"?'), ("x", "there are: agent-partition, ")],
)
def test_init_knows_what_is_shipped(here: Path, name: str, said: str) -> None:
    """A name that is none writes nothing and says which there are."""
    found = cli("init", "--like", name)
    assert 2 == found.exit_code
    assert f'no scenario "{name}" is shipped; {said}' in found.output
    assert not (here / f"{name}.yaml").exists()
