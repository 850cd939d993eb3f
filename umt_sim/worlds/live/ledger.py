"""
What must be undone, written down before it is done.

Each run has one file, a JSON object a line. A step is written and flushed before the
change it undoes; when it is undone it is crossed out. The file is locked while its
owner lives and removed when nothing is left in it. So a file that nobody locks
belongs to somebody who was killed, and ``replay`` does what was left undone.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from umt_sim.errors import WorldError, WorldUnavailable
from umt_sim.worlds.live.undo import EndProcess, Step, read_step, write_step

__all__ = ["Ledger", "ledgers", "replay", "state_folder"]

SETTING = "UMT_SIM_STATE"
"""Environment variable with the folder for ledgers."""


def state_folder() -> Path:
    """
    Where ledgers are kept.

    Raises:
        WorldUnavailable: No folder can be made there.
    """
    if setting := os.environ.get(SETTING):
        folder = Path(setting)
    else:
        base = os.environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser()
        folder = Path(base) / "umt-sim"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return folder


class Ledger:
    """
    The undo log of one run; a context manager that undoes everything at its end.

    Args:
        path: Its file.

    Attributes:
        id: Names the run, in toxics and folders too.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.stem
        self._file = path.open("r+")
        self._steps: dict[int, Step] = {}
        self._next = 0

    @classmethod
    def new(cls, *, standing: bool = False) -> Self:
        """
        A new one, locked by this process before anybody can find it.

        Raises:
            WorldUnavailable: It cannot be written.
        """
        name = f"{os.getpid()}-{secrets.token_hex(3)}"
        path = state_folder() / f"{name}.nascent"
        try:
            path.touch()
        except OSError as error:
            raise _unwritable(path.parent, error) from error
        ledger = cls(path)
        fcntl.flock(ledger._file, fcntl.LOCK_EX)
        ledger.path = path.rename(path.with_suffix(STANDING if standing else PLAIN))
        return ledger

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        try:
            self.undo()
        except WorldError as left:
            if isinstance(error, WorldError):  # why it began must be said, too
                raise WorldError(f"{error}\n{left}") from error
            raise
        except BaseException:  # cut short: whoever comes next goes on, but nothing runs till then
            for step in self.steps:
                if isinstance(step, EndProcess):
                    step.at_once()
            self.leave()
            raise

    def note(self, step: Step) -> int:
        """
        Write *step* down; to be called before the change it undoes. Gives its number.

        Raises:
            WorldUnavailable: It cannot be written, so the change must not happen.
        """
        number = self._next
        try:
            self._write({"number": number, **write_step(step)})
        except OSError as error:
            raise _unwritable(self.path.parent, error) from error
        self._next += 1
        self._steps[number] = step
        return number

    def settle(self, number: int) -> None:
        """Undo one step now, and cross it out."""
        self._steps[number].undo()
        del self._steps[number]
        with suppress(OSError):  # no room: then it is undone twice, which does no harm
            self._write({"done": number})

    def undo(self) -> None:
        """
        Undo every step, the latest first, and remove the file.

        Raises:
            WorldError: Some could not be undone; they stay in the file.
        """
        failures = []
        for number in sorted(self._steps, reverse=True):
            try:
                self.settle(number)
            except (OSError, WorldError) as error:
                failures.append(f"{self._steps[number]}: {error}")
        if failures:
            self._file.close()
            left = "\n  ".join(failures)
            raise WorldError(
                f"could not undo everything; try `umt-sim doctor --clean`, or undo it by hand and"
                f" remove {self.path}:\n  {left}"
            )
        self.path.unlink(missing_ok=True)
        self._file.close()

    def leave(self) -> None:
        """Let go of the file with everything in it, for somebody else to undo."""
        self._file.close()

    def take_over(self) -> bool:
        """Lock the file of somebody else and read it; false if they are alive, or it is gone."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            return False
        if not self.path.exists():
            self._file.close()
            return False
        self._file.seek(0)
        try:
            for line in self._file:
                self._read(line)
        except WorldError:
            self._file.close()
            raise
        return True

    @property
    def steps(self) -> list[Step]:
        """What is to be undone, in the order it was done."""
        return list(self._steps.values())

    def _read(self, line: str) -> None:
        try:
            entry = json.loads(line)
        except ValueError:
            return  # cut off by a kill: the change it announces did not happen
        try:
            self._enter(entry)
        except (KeyError, TypeError, AttributeError) as error:
            raise WorldError(
                f"{self.path} has a line that this version cannot read; undo by hand what it"
                f" tells of and remove it: {line.strip()[:200]}"
            ) from error

    def _enter(self, entry: dict[str, Any]) -> None:
        if "done" in entry:
            self._steps.pop(entry["done"], None)
        else:
            number = int(entry.pop("number"))
            self._steps[number] = read_step(entry)
            self._next = number + 1

    def _write(self, entry: dict[str, Any]) -> None:
        line = json.dumps(entry).encode() + b"\n"
        os.lseek(self._file.fileno(), 0, os.SEEK_END)
        if os.write(self._file.fileno(), line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _unwritable(folder: Path, error: OSError) -> WorldUnavailable:
    return WorldUnavailable(
        "live",
        f"what a run must undo cannot be written to {folder} ({error.strerror})",
        remedy=f"make room there, or set {SETTING} to a folder that can be written",
    )


PLAIN, STANDING = ".jsonl", ".standing"


def ledgers(*, standing: bool) -> Iterator[Ledger]:
    """The ledgers whose owners are gone, read and locked."""
    for path in sorted(state_folder().glob("*" + (STANDING if standing else PLAIN))):
        try:
            ledger = Ledger(path)
        except FileNotFoundError:
            continue  # its owner has just finished
        if ledger.take_over():
            yield ledger


def replay(*, standing: bool = False) -> list[str]:
    """Undo what killed runs have left, or what was asked to stay; what was done, a line each."""
    done: list[str] = []
    for ledger in ledgers(standing=standing):
        steps = ledger.steps
        ledger.undo()
        done += [str(step) for step in reversed(steps)]
    return done
