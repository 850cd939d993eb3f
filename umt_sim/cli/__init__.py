"""
The command line. Each command parses, calls one function of the library, and prints.

- ``app``: the group, its commands imported only when they are used. Start here.
- ``borders``: errors as messages and exit codes; no traceback for the user's mistakes.
- ``options``: the options that commands share.
- ``tables``, ``progress``: how results and waiting look on a terminal.
- one file for each command.
"""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run ``umt-sim``."""
    from umt_sim.cli.app import app

    app(prog_name="umt-sim")
