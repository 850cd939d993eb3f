"""A ``docker`` for PATH: writes down what it is asked and answers as the real one does."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

_PROGRAM = """\
#!{python}
import json, os, sys
from pathlib import Path
words = sys.argv[1:]
with Path({variables!r}).open("w") as variables:
    json.dump(dict(os.environ), variables)
with Path({log!r}).open("a") as log:
    log.write(json.dumps(words) + "\\n")
for beginning, (code, text) in json.loads(Path({answers!r}).read_text()).items():
    if beginning in " ".join(words):
        print(text, file=sys.stderr if code else sys.stdout)
        sys.exit(code)
"""


class FakeDocker:
    """
    Stands on PATH while a test lasts.

    Args:
        folder: For its files.
        monkeypatch: Puts it on PATH.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._log, self._answers = folder / "asked", folder / "answers"
        self._variables = folder / "variables"
        self._log.touch()
        self._known: dict[str, tuple[int, str]] = {}
        program = folder / "docker"
        program.write_text(
            _PROGRAM.format(
                python=sys.executable,
                log=str(self._log),
                answers=str(self._answers),
                variables=str(self._variables),
            )
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(folder))
        self.answer("", "")

    def answer(self, words: str, text: str, *, code: int = 0) -> None:
        """From now on say *text* to commands with *words* in them; the latest word counts."""
        self._known = {words: (code, text), **{k: v for k, v in self._known.items() if k != words}}
        self._answers.write_text(json.dumps(self._known))

    @property
    def asked(self) -> list[list[str]]:
        """Every command, without the program."""
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    @property
    def variables(self) -> dict[str, str]:
        """The environment that the last command was given."""
        found: dict[str, str] = json.loads(self._variables.read_text())
        return found
