"""Where files go, and as whom the server runs: it refuses root and must reach its files."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from pathlib import Path

__all__ = ["cache", "for_servers", "reachable", "temporary", "unprivileged"]

ROOM_NEEDED = 1 << 30  # bytes: a fresh server has 40 MB, and a long run writes a log


def unprivileged() -> tuple[int, int] | None:
    """User and group to run the server as; PostgreSQL refuses root. ``None``: as ourselves."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def reachable(folder: Path) -> bool:
    """Whether the user that the server runs as can get to *folder*."""
    if unprivileged() is None:
        return True
    return all(above.stat().st_mode & 0o001 for above in (folder, *folder.resolve().parents))


def temporary() -> Path:
    """A folder for temporary files that the server can reach."""
    usual = Path(tempfile.gettempdir())
    others = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108  private folders are made in them
    return next((place for place in (usual, *others) if place.is_dir() and reachable(place)), usual)


def for_servers() -> list[str]:
    """
    Folders for servers' files, the best first.

    Linux keeps ``/dev/shm`` in memory, where copying the template takes a tenth of the
    time. A container may have next to none of it.
    """
    places = [str(temporary())]
    memory = Path("/dev/shm")  # noqa: S108  likewise
    if memory.is_dir() and os.access(memory, os.W_OK):
        roomy = shutil.disk_usage(memory).free > ROOM_NEEDED
        places.insert(0 if roomy else 1, str(memory))
    return places


def cache() -> Path:
    """The user's cache folder, or one that lasts as long as the machine if there is no home."""
    home = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    folder = Path(home) / "umt-sim"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir()) / f"umt-sim-cache-{os.geteuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder
