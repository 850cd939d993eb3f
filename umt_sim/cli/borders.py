"""Where errors become messages and exit codes."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from umt_sim.errors import JournalError, KernelError, ScenarioError, UmtSimError, WorldError

__all__ = ["reported"]

# The same numbers as ``expectations.verdicts.ExitCode``, which is too heavy for ``--help``;
# a test holds them together.
FAILED, BAD_SCENARIO, SERVICES_MISSING, INTERRUPTED = 1, 2, 3, 130

_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What a disk says that can take no more; Python does not name the file then."""


@contextmanager
def reported() -> Iterator[None]:
    """Print what the experimenter must fix and exit with the code for it."""
    try:
        yield
    except ScenarioError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        count = len(error.problems)
        click.echo(f"{count} problem{'s' if count > 1 else ''} found", err=True)
        sys.exit(BAD_SCENARIO)
    except WorldError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(SERVICES_MISSING)
    except JournalError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(BAD_SCENARIO)
    except KernelError as error:
        click.echo(f"{type(error).__name__}: {error}", err=True)
        sys.exit(FAILED)
    except UmtSimError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(FAILED)
    except OSError as error:
        if error.filename is None and error.errno not in _DISK:
            raise  # a broken pipe is click's to handle; anything else is a bug of ours
        place = f"{error.filename}: " if error.filename is not None else ""
        click.echo(f"error: {place}{error.strerror}", err=True)
        sys.exit(FAILED)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        sys.exit(INTERRUPTED)
