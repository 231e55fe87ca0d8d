"""The signals that ask a process to stop, as one KeyboardInterrupt: what was begun is undone."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

NAMES = "SIGINT", "SIGTERM", "SIGHUP"
GRACE = 5.0  # s that the undoing has before another signal counts

_stopped_at = -GRACE


def _stop(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, but not twice in a row: the second would stop the undoing."""
    global _stopped_at
    now = time.monotonic()
    if now - _stopped_at >= GRACE:
        _stopped_at = now
        raise KeyboardInterrupt


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Raise KeyboardInterrupt in the block when a signal asks this process to stop.

    A signal that is ignored stays so, as SIGHUP after `nohup`. Blocks may be nested. In another
    thread than the main one, which receives the signals, nothing changes.
    """
    global _stopped_at
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {}
    for number in (getattr(signal, name) for name in NAMES if hasattr(signal, name)):
        handler = signal.getsignal(number)
        if handler not in (_stop, signal.SIG_IGN, None):
            before[number] = signal.signal(number, _stop)
    if before:
        _stopped_at = -GRACE + time.monotonic()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
