"""
Runs one PostgreSQL server and never outlives the process that asked for it.

A program of its own, started by ``engine``: it imports nothing of this project. Its
standard input is the life line. When the other end is gone, by an orderly end or by
``kill -9``, it stops the server and removes every file. It also removes what a killed
supervisor left, which it knows by a lock that nobody holds.

Commands, a line each: ``fresh`` starts the server, after putting every file back into the
state of the template, and answers ``ready`` or ``failed``. ``crash`` kills it in mid-work and
starts it again on the files as they are.
"""

# ruff: noqa: S603, S607 - running programs is what this module is for

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PREFIX = "umt-sim-postgres-"
FRAGILE_SECONDS = 3.0  # a server that does not stop within these is killed


def main() -> None:
    """Serve commands until the life line ends; then leave nothing behind."""
    config = json.loads(sys.argv[1])
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the terminal speaks to our parent, not to us
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    for place in config["places"]:
        sweep(place)
    folder, lock = claim(config["places"][0])
    server = Server(folder, config)
    try:
        tell(str(folder))
        for line in sys.stdin:
            tell(server.start(pristine=line.strip() == "fresh"))
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def tell(message: str) -> None:
    """Answer the parent. If it is gone the next read says so."""
    with contextlib.suppress(BrokenPipeError):
        print(message, flush=True)  # noqa: T201  the pipe to the parent


def claim(under: str) -> tuple[Path, int]:
    """Make a folder that is locked before it gets the name that sweeping looks for."""
    nascent = Path(tempfile.mkdtemp(prefix="umt-sim-nascent-", dir=under))
    lock = os.open(nascent / "lock", os.O_CREAT | os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    folder = nascent.with_name(nascent.name.replace("umt-sim-nascent-", PREFIX))
    nascent.rename(folder)
    return folder, lock


def sweep(under: str) -> None:
    """Remove the folders, and stop the servers, of supervisors that were killed."""
    for folder in Path(under).glob(PREFIX + "*"):
        try:
            lock = os.open(folder / "lock", os.O_RDWR)
        except OSError:
            continue  # somebody else's, or going away
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue  # in use
        else:
            orphan = postmaster(folder)
            if orphan and str(folder) in command_of(orphan):
                end(orphan)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)


class Server:
    """The PostgreSQL server under ``folder/data``."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.template = Path(config["template"])
        self.command = [*config["command"], "-D", str(self.data), "-k", str(folder)]
        self.owner: dict[str, Any] = {}
        self.uid = self.gid = -1
        if config["owner"]:
            self.uid, self.gid = config["owner"]
            self.owner = {"user": self.uid, "group": self.gid, "extra_groups": []}
            os.chown(folder, self.uid, self.gid)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, pristine: bool) -> str:
        """Start from the template's files or from the present ones; ``ready`` or ``failed``."""
        self.stop()
        if pristine:
            self.restore()
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self.owner,
            )
        while self.process.poll() is None:
            if self.says_ready():
                return "ready"
            nap()
        return "failed"

    def says_ready(self) -> bool:
        """Whether the server takes connections, as the last line of its pid file tells."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def stop(self) -> None:
        """End the server without a checkpoint: its files are not needed or will recover."""
        if self.process is not None:
            end(self.process.pid)
            self.process.wait()
            self.process = None

    def restore(self) -> None:
        """
        Make the data folder equal to the template: copy what differs, remove what is new.

        A file that was not written since it was copied still has the template's time.
        """
        folders = {str(self.data): str(self.template)}
        files: dict[str, str] = {}
        for at, names, leaves in os.walk(self.template):
            place = str(self.data / os.path.relpath(at, self.template)).removesuffix("/.")
            folders |= {f"{place}/{name}": f"{at}/{name}" for name in names}
            files |= {f"{place}/{leaf}": f"{at}/{leaf}" for leaf in leaves}
        for at, names, leaves in os.walk(self.data):
            for name in [name for name in names if f"{at}/{name}" not in folders]:
                shutil.rmtree(f"{at}/{name}")
                names.remove(name)
            for leaf in leaves:
                source = files.get(path := f"{at}/{leaf}")
                if source is None:
                    Path(path).unlink()
                elif unwritten(path, source):
                    del files[path]
        for folder in folders:
            if not Path(folder).is_dir():
                Path(folder).mkdir(mode=0o700)
                os.chown(folder, self.uid, self.gid)
        for path, source in files.items():
            self.copy(source, path)

    def copy(self, source: str, path: str) -> None:
        """Copy one file with its times. A thousand of them: `shutil.copy2` takes twice as long."""
        reader = os.open(source, os.O_RDONLY)
        writer = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        status = os.fstat(reader)
        if status.st_size:
            os.write(writer, os.read(reader, status.st_size))
        os.fchown(writer, self.uid, self.gid)
        os.utime(writer, ns=(status.st_atime_ns, status.st_mtime_ns))
        os.close(reader)
        os.close(writer)


def unwritten(path: str, source: str) -> bool:
    """Whether *path* is still as it was copied from *source*."""
    one, other = os.stat(path), os.stat(source)  # noqa: PTH116  hot
    return one.st_mtime_ns == other.st_mtime_ns and one.st_size == other.st_size


def postmaster(folder: Path) -> int | None:
    """Process id in the pid file of the server under *folder*."""
    try:
        return int((folder / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def end(pid: int) -> None:
    """
    Stop a server at once, in the way that lets it give its shared memory back.

    Sessions that the front end holds still would make it wait, so they are let go.
    """
    backends = children(pid)
    send(pid, signal.SIGQUIT)
    for backend in backends:
        send(backend, signal.SIGQUIT)  # pending before it goes on, so it does nothing else
        send(backend, signal.SIGCONT)
    for _ in range(int(FRAGILE_SECONDS / 0.001)):
        if gone(pid):
            return
        nap()
    for process in (pid, *backends):
        send(process, signal.SIGKILL)


def gone(pid: int) -> bool:
    """Whether a process has ended, be it our child or not."""
    with contextlib.suppress(ChildProcessError):
        done, _ = os.waitpid(pid, os.WNOHANG)
        return done == pid
    return run_ps("-p", str(pid), "-o", "stat=").strip()[:1] in ("", "Z")


def send(pid: int, number: int) -> bool:
    """Signal a process; False if it does not exist."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def children(pid: int) -> list[int]:
    """Processes whose parent is *pid*."""
    with contextlib.suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    pairs = (line.split() for line in run_ps("-A", "-o", "ppid=,pid=").splitlines())
    return [int(child) for parent, child in pairs if int(parent) == pid]


def command_of(pid: int) -> str:
    """Command line of a process; empty if it does not exist."""
    return run_ps("-ww", "-p", str(pid), "-o", "command=")


def run_ps(*arguments: str) -> str:
    """What ``ps`` prints; it is the same on Linux and macOS for these columns."""
    return subprocess.run(["ps", *arguments], capture_output=True, text=True, check=False).stdout


def nap() -> None:
    """Wait a millisecond."""
    select.select([], [], [], 0.001)


if __name__ == "__main__":
    main()
