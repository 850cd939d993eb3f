"""Where in the source something happens, told for a person: the user's line, not asyncio's."""

from __future__ import annotations

import linecache
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

__all__ = ["calling_line", "describe_process", "describe_task", "task_line"]

_STDLIB = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib")})
_PACKAGES = tuple({sysconfig.get_path(name) for name in ("purelib", "platlib")})
_KERNEL = str(Path(__file__).parent)


def calling_line() -> str:
    """``file:line in function`` of the nearest caller that is not machinery."""
    frame: FrameType | None = sys._getframe(1)
    chain = []
    while frame is not None:
        chain.append((frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_qualname))
        frame = frame.f_back
    file, line, function = _most_telling(chain)
    return f"{_short(file)}:{line} in {function}"


def describe_task(task: Any) -> str:
    """Who waits, where, and for what."""
    life = getattr(task, "life", None)
    host = "" if life is None else f" on {life.host.name}"
    if life is not None and not life.running:
        host += " (crashed)" if life.ended else " (paused)"
    coroutine = getattr(task.get_coro(), "__qualname__", "?")
    return f"task {task.get_name()}{host}, {coroutine}() {task_line(task)}"


def describe_process(process: Any) -> str:
    """Likewise for a SimPy process."""
    chain = list(_suspended(process._generator))
    return f"process {process.name}() {_place(chain)} (for {process.target._desc()})"


def task_line(task: Any) -> str:
    """``at file:line: source`` where a suspended task waits."""
    return _place(list(_suspended(task.get_coro())))


def _place(chain: list[tuple[str, int, str]]) -> str:
    if not chain:
        return "before its first line"
    file, line, _ = _most_telling(chain[::-1])
    source = linecache.getline(file, line).strip()
    return f"at {_short(file)}:{line}: {source}" if source else f"at {_short(file)}:{line}"


def _suspended(coroutine: Any) -> Iterator[tuple[str, int, str]]:
    """Frames of a suspended coroutine, outermost first, down the chain of awaits."""
    while coroutine is not None:
        for prefix in ("cr", "gi", "ag"):
            frame = getattr(coroutine, f"{prefix}_frame", None)
            if frame is not None:
                yield frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_qualname
                coroutine = getattr(
                    coroutine, f"{prefix}_yieldfrom" if prefix == "gi" else f"{prefix}_await", None
                )
                break
        else:
            return


def _most_telling(chain: list[tuple[str, int, str]]) -> tuple[str, int, str]:
    """The first frame, from the inside, of the user's code; else of a library's; else any."""
    for kinds in (("user",), ("user", "package")):
        for entry in chain:
            if _kind(entry[0]) in kinds:
                return entry
    return chain[0] if chain else ("?", 0, "?")


def _kind(file: str) -> str:
    if file.startswith((_KERNEL, "<")):
        return "machinery"
    if file.startswith(_PACKAGES):
        return "package"
    return "machinery" if file.startswith(_STDLIB) else "user"


def _short(file: str) -> str:
    try:
        return str(Path(file).relative_to(Path.cwd()))
    except ValueError:
        return file
