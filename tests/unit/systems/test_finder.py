"""Systems are found by name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from umt_sim.systems.base import System
from umt_sim.systems.finder import SystemNotFound, find_system


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of its own, forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["", *__import__("sys").path])
    return tmp_path


def test_the_built_in_system_is_found() -> None:
    """``umt`` names the platform and what it offers."""
    system = find_system("umt")
    assert "create_content" in system.operations
    assert "rabbitmq" in system.services


def test_a_function_of_the_working_directory_is_found(here: Path) -> None:
    """``module:function`` becomes a system that takes any operation."""
    (here / "mine_a.py").write_text("def service(setting): ...")
    system = find_system("mine_a:service")
    assert ("mine_a:service", ()) == (system.name, system.operations)


def test_a_system_object_is_taken_as_it_is(here: Path) -> None:
    """Someone who knows the operations of a service can say so."""
    (here / "mine_b.py").write_text(
        "from umt_sim.systems.base import System\n"
        "mine = System(name='mine', load=lambda: None, operations=('ask',))\n"
    )
    system = find_system("mine_b:mine")
    assert isinstance(system, System)
    assert ("ask",) == system.operations


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("utm", "no built-in system is called 'utm'; write umt, caller, contest"),
        ("not_there:x", "there is no module 'not_there' here"),
        ("mine_c:x", "module 'mine_c' has no 'x'"),
        ("mine_c:number", "is a int; it must be a System, or a function"),
    ],
)
def test_what_is_not_found_is_said(here: Path, name: str, sentence: str) -> None:
    """The message says what is missing and what to write."""
    (here / "mine_c.py").write_text("number = 1")
    with pytest.raises(SystemNotFound, match=sentence.replace("(", r"\(")):
        find_system(name)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("mine_d", "import not_there_either", "No module named 'not_there_either' (mine_d.py:1)"),
        ("mine_e", "\ndef start(:", "SyntaxError: invalid syntax (mine_e.py:2)"),
        ("mine_f", "\n\n1 / 0", "ZeroDivisionError: division by zero (mine_f.py:3)"),
    ],
)
def test_a_module_that_fails_is_named_with_its_line(
    here: Path, name: str, text: str, sentence: str
) -> None:
    """A mistake in one's own program is told like one in the scenario, and not hidden."""
    (here / f"{name}.py").write_text(text)
    with pytest.raises(SystemNotFound, match=re.escape(sentence)):
        find_system(f"{name}:x")
