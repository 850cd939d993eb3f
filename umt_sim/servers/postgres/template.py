"""
Data folders that are ready to be copied: ``initdb`` and its SQL are run once per recipe.

Making one takes most of a second, copying it a tenth. The copies are equal byte for byte,
which is why a run sees the same object ids and transaction ids every time.
"""

# ruff: noqa: S603 - running programs is what this module is for

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from umt_sim.errors import WorldUnavailable
from umt_sim.servers.postgres import places
from umt_sim.servers.postgres.binaries import REMEDY, Binaries

__all__ = ["Recipe", "prepared"]

SETTINGS = {
    "listen_addresses": "''",
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "'32MB'",
    "dynamic_shared_memory_type": "mmap",  # files of the data folder, which go with it
    "max_wal_size": "'256MB'",
    "checkpoint_timeout": "'1d'",
    "bgwriter_lru_maxpages": "0",
    "autovacuum": "off",  # when it runs is the machine's choice
    "jit": "off",
    "max_parallel_workers_per_gather": "0",  # rows come in the order the workers are scheduled
    "synchronize_seqscans": "off",  # a scan begins where another one happens to be
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "log_min_messages": "'fatal'",
    "update_process_title": "off",
}
"""What every engine is started with: nothing by chance, nothing for safety on disk."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """
    What a fresh server contains.

    Attributes:
        user: The superuser.
        database: A database beside ``postgres``.
        script: SQL run in each database by a superuser who may change the catalogue;
            statements end with a semicolon and an empty line.
        settings: Lines of ``postgresql.conf``; values as they stand there, quoted where needed.
        files: Further files of the data folder, by name.
    """

    user: str = "umt"
    database: str = "umt"
    script: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)

    def digest(self, version: str) -> str:
        """Names the template that this recipe makes with a PostgreSQL of *version*."""
        parts = [version, self.user, self.database, self.script]
        parts += [f"{name}={value}" for name, value in self.configuration.items()]
        parts += [f"{name}:{content!r}" for name, content in self.files.items()]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    @property
    def configuration(self) -> dict[str, str]:
        """Every setting of the server."""
        return {**SETTINGS, **self.settings}


def prepared(binaries: Binaries, recipe: Recipe) -> Path:
    """
    The data folder of *recipe*, made now if this user has none yet.

    Two processes may make the same one at once; one of them wins and both use it.

    Raises:
        WorldUnavailable: ``initdb`` or the recipe's SQL failed; carries what they said.
    """
    version = binaries.version()
    template = places.cache() / f"postgres-{version}-{recipe.digest(version)}"
    if template.is_dir():
        return template
    with tempfile.TemporaryDirectory(prefix="umt-sim-initdb-", dir=places.temporary()) as scratch:
        _Maker(binaries, recipe, int(version.split(".")[0]), Path(scratch)).make()
        staged = Path(tempfile.mkdtemp(prefix="staged-", dir=places.cache()))
        shutil.copytree(Path(scratch) / "data", staged / "data")
        try:
            (staged / "data").rename(template)
        except OSError:
            if not template.is_dir():
                raise
        finally:
            shutil.rmtree(staged)
    return template


class _Maker:
    """Makes one data folder under *scratch*."""

    def __init__(self, binaries: Binaries, recipe: Recipe, major: int, scratch: Path) -> None:
        self.binaries = binaries
        self.recipe = recipe
        self.major = major
        self.scratch = scratch
        self.data = scratch / "data"
        self.owner = places.unprivileged()

    def make(self) -> None:
        if self.owner:
            os.chown(self.scratch, *self.owner)
        self._run("initdb", *self._initdb_options(), "-D", str(self.data))
        with (self.data / "postgresql.conf").open("a") as conf:
            for name, value in self.recipe.configuration.items():
                conf.write(f"{name} = {value}\n")
        for name, content in self.recipe.files.items():
            (self.data / name).write_bytes(content)
        for database in ("template1", "postgres"):
            self._sql(database, self.recipe.script)
        if self.recipe.database not in ("postgres", "template1"):
            name = self.recipe.database.replace('"', '""')
            self._sql("template1", f'CREATE DATABASE "{name}";\n\n')

    def _initdb_options(self) -> list[str]:
        options = ["--username", self.recipe.user, "--auth=trust", "--locale=C", "--encoding=UTF8"]
        options += ["--no-sync", "--wal-segsize=1"]
        if self.major >= 18:
            options += ["--no-data-checksums"]
        return options

    def _sql(self, database: str, script: str) -> None:
        """Run SQL without a server: one process, no socket, and the catalogue may be changed."""
        if script:
            self._run("postgres", "--single", "-O", "-j", "-c", "exit_on_error=on",
                      "-c", "log_min_messages=error", "-D", str(self.data), database,
                      text=script)  # fmt: skip

    def _run(self, program: str, *arguments: str, text: str = "") -> None:
        identity = {}
        if self.owner:
            identity = {"user": self.owner[0], "group": self.owner[1], "extra_groups": []}
        done = subprocess.run(
            [self.binaries.program(program), *arguments],
            input=text, capture_output=True, text=True, cwd=self.scratch, check=False,
            **identity,  # type: ignore[call-overload]  # the stubs want each keyword spelt out
        )  # fmt: skip
        if done.returncode:
            said = (done.stderr or done.stdout).strip()[-2000:]
            raise WorldUnavailable("postgres", f"{program} failed: {said}", remedy=REMEDY)
