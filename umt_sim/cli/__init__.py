"""
The command line. Each command parses, calls one function of the library, and prints.

- ``app``: the group, its commands imported only when they are used. Start here.
- ``borders``: errors as messages and exit codes; no traceback for the user's mistakes.
- ``options``: the options that commands share.
- ``tables``, ``progress``: how results and waiting look on a terminal.
- ``plain``: what a terminal gets that lacks our signs.
- one file for each command.
"""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run ``umt-sim``."""
    try:
        from umt_sim.cli.app import app
        from umt_sim.cli.plain import plain_where_needed
    except KeyboardInterrupt:  # this early nobody else is there to say so
        raise SystemExit(130) from None
    plain_where_needed()
    app(prog_name="umt-sim")
