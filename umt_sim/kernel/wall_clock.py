"""
The machine's clocks, in virtual time.

``time.monotonic`` and ``perf_counter`` are the loop's time, from 0. ``time.time`` and
``datetime.now`` show the epoch plus the loop's time, plus the skew of the host that
asks. CPU time (``process_time``, ``thread_time``) stays real: it measures the machine.
"""

from __future__ import annotations

import ctypes
import gc
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, tzinfo
from threading import get_ident
from time import struct_time
from typing import Any

from umt_sim.kernel.environment import SimEnvironment
from umt_sim.kernel.hosts import current_host

__all__ = ["EPOCH", "PATIENCE", "WallClock", "utc_everywhere", "virtual_datetime"]

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""What wall clocks show when a run begins, unless the run says otherwise."""

PATIENCE = 1_000_000
"""Readings after which somebody looks whether virtual time stands still meanwhile."""

_NS = 1_000_000_000
_SINCE_BOOT = ("CLOCK_MONOTONIC", "CLOCK_MONOTONIC_RAW", "CLOCK_BOOTTIME", "CLOCK_UPTIME")
_real_localtime, _real_gmtime, _real_strftime = time.localtime, time.gmtime, time.strftime
_real_asctime = time.asctime


class WallClock:
    """
    Reads virtual time in the forms of the ``time`` module.

    Args:
        env: The virtual clock.
        epoch: What wall clocks show at its zero.
        spinning: Called with the time of the loop after every ``PATIENCE`` readings.
    """

    def __init__(
        self, env: SimEnvironment, epoch: datetime, spinning: Callable[[float], None]
    ) -> None:
        self._env = env
        self._spinning = spinning
        self._patience = PATIENCE
        self._epoch_ns = round((epoch - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * _NS
        self._epoch = self._epoch_ns / _NS

    def functions(self) -> dict[Any, Any]:
        """Each function of ``time`` that reads a clock, with its virtual counterpart."""
        return {
            time.time: self.time,
            time.time_ns: self.time_ns,
            time.monotonic: self.monotonic,
            time.monotonic_ns: self.monotonic_ns,
            time.perf_counter: self.monotonic,
            time.perf_counter_ns: self.monotonic_ns,
            time.localtime: self.localtime,
            time.gmtime: self.gmtime,
            time.ctime: self.ctime,
            time.strftime: self.strftime,
        } | self._numbered()

    def _numbered(self) -> dict[Any, Any]:
        """``clock_gettime`` and its twin in nanoseconds, where the system has them."""
        if not hasattr(time, "clock_gettime"):
            return {}
        in_seconds = {time.CLOCK_REALTIME: self.time}
        in_nanoseconds = {time.CLOCK_REALTIME: self.time_ns}
        for name in _SINCE_BOOT:
            if (clock := getattr(time, name, None)) is not None:
                in_seconds[clock], in_nanoseconds[clock] = self.monotonic, self.monotonic_ns
        real, real_ns = time.clock_gettime, time.clock_gettime_ns
        return {
            real: lambda clock: in_seconds[clock]() if clock in in_seconds else real(clock),
            real_ns: lambda clock: (
                in_nanoseconds[clock]() if clock in in_nanoseconds else real_ns(clock)
            ),
        }

    def time(self) -> float:
        """Seconds since 1970 on the wall clock of the current host."""
        self._patience -= 1
        if not self._patience:
            self._look()
        host = current_host()
        now = self._epoch + self._env._now
        return now if host is None else now + host.clock_skew

    def time_ns(self) -> int:
        """Likewise in whole nanoseconds."""
        self._patience -= 1
        if not self._patience:
            self._look()
        host = current_host()
        now = self._env._now if host is None else self._env._now + host.clock_skew
        return self._epoch_ns + round(now * _NS)

    def monotonic(self) -> float:
        """The loop's time."""
        self._patience -= 1
        if not self._patience:
            self._look()
        return self._env._now

    def monotonic_ns(self) -> int:
        """Likewise in whole nanoseconds."""
        self._patience -= 1
        if not self._patience:
            self._look()
        return round(self._env._now * _NS)

    def _look(self) -> None:
        self._patience = PATIENCE
        self._spinning(self._env._now)

    def localtime(self, seconds: float | None = None) -> struct_time:
        """Calendar time of the virtual present, or of *seconds*."""
        return _real_localtime(self.time() if seconds is None else seconds)

    def gmtime(self, seconds: float | None = None) -> struct_time:
        """Likewise in UTC."""
        return _real_gmtime(self.time() if seconds is None else seconds)

    def ctime(self, seconds: float | None = None) -> str:
        """Likewise as text."""
        return _real_asctime(self.localtime(seconds))

    def strftime(self, format: str, moment: Any = None) -> str:  # noqa: A002 - as in `time`
        """Likewise in a format of choice."""
        return _real_strftime(format, self.localtime() if moment is None else moment)

    def datetime_now(self, cls: type[datetime], tz: tzinfo | None = None) -> datetime:
        """``datetime.now``, exact to the microsecond."""
        seconds, nanoseconds = divmod(self.time_ns(), _NS)
        return cls.fromtimestamp(seconds, tz).replace(microsecond=nanoseconds // 1000)


def virtual_datetime(clock: WallClock, undo: ExitStack) -> None:
    """
    Let ``datetime.now`` and ``utcnow`` read *clock* in this thread.

    Both are C methods of an immutable class. Putting a subclass in its place
    would break ``type(x) is datetime``, pydantic's schemas and whatever holds the
    class already, so the class keeps its identity and only these two entries of its
    dictionary change, by the way the interpreter leaves open. ``today`` needs nothing:
    it calls ``time.time``. C and Rust code that reads the system's clock itself is not
    reached; pydantic's ``PastDate`` is such a case.
    """
    entries: dict[str, Any] = gc.get_referents(datetime.__dict__)[0]
    thread = get_ident()

    def install(name: str, virtual: Callable[..., datetime]) -> None:
        original = entries[name]

        def method(cls: type[datetime], *args: Any, **kwargs: Any) -> datetime:
            if get_ident() != thread:
                real: datetime = original.__get__(None, cls)(*args, **kwargs)
                return real
            return virtual(cls, *args, **kwargs)

        method.__name__ = name
        _set_entry(entries, name, classmethod(method))
        undo.callback(_set_entry, entries, name, original)

    install("now", clock.datetime_now)
    install("utcnow", lambda cls: clock.datetime_now(cls, UTC).replace(tzinfo=None))


def _set_entry(entries: dict[str, Any], name: str, value: Any) -> None:
    entries[name] = value
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(datetime))  # empties the method cache


def utc_everywhere(undo: ExitStack) -> None:
    """Make UTC the local time zone: the machine's own zone is no business of a simulation."""
    before = os.environ.get("TZ")

    def restore() -> None:
        if before is None:
            os.environ.pop("TZ", None)
        else:
            os.environ["TZ"] = before
        _tell_the_c_library()

    undo.callback(restore)
    os.environ["TZ"] = "UTC"
    _tell_the_c_library()


def _tell_the_c_library() -> None:
    if hasattr(time, "tzset"):  # Windows has none, and reads TZ at start only
        time.tzset()
