"""
Every private name of asyncio that the kernel uses, with its reason.

asyncio promises nothing about these. A test checks that they exist on each
supported Python, so a change shows as one failing test and not as a riddle.
"""

from __future__ import annotations

import asyncio
from asyncio import base_events, events, selector_events

__all__ = ["ATTRIBUTES", "METHODS", "MODULE_NAMES"]

METHODS: dict[type, tuple[str, ...]] = {
    selector_events.BaseSelectorEventLoop: (
        "_run_once",  # replaced, in the same order of steps; kept in debug mode
        "_process_events",  # extended: timers that came due join the ready queue here
        "_add_reader",  # stock transports register fake descriptors through it
        "_remove_reader",
        "_make_self_pipe",  # replaced: no other thread ever wakes this loop
        "_close_self_pipe",
        "_write_to_self",
        "_timer_handle_cancelled",  # counts what is dead in SimPy's heap
        "_connect_sock",  # the one place where create_connection makes a socket
        "_check_closed",
        "_check_running",
        "_make_subprocess_transport",  # replaced: refuses
    ),
    events.Handle: ("_run",),
    base_events.Server: ("_start_serving",),
}
"""Methods, by the class that has them."""

ATTRIBUTES: dict[type, tuple[str, ...]] = {
    selector_events.BaseSelectorEventLoop: (
        "_ready",  # callbacks to run in the next batch
        "_scheduled",  # asyncio's own timer heap; stays empty
        "_stopping",
        "_closed",
        "_debug",
        "_thread_id",
        "_selector",
        "_clock_resolution",
        "_task_factory",
        "_asyncgens",  # replaced: in order, and with the host each belongs to
        "_executor_shutdown_called",
    ),
    events.Handle: (
        "_callback",
        "_args",
        "_context",
        "_cancelled",
        "_loop",
        "_repr",
        "_source_traceback",
    ),
    events.TimerHandle: ("_when", "_scheduled"),
    base_events.Server: ("_sockets",),
    asyncio.Task: ("_log_destroy_pending",),  # tasks of dead hosts are meant to stay pending
}
"""Attributes of instances. ``Server._clients``, since 3.13, is used where it exists."""

MODULE_NAMES: dict[str, tuple[str, ...]] = {
    "asyncio.events": ("_get_running_loop", "_set_running_loop"),
}
"""Functions of modules. ``asyncio.tasks._swap_current_task``, since 3.12, likewise."""
