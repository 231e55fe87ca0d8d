"""What a forked child must not share with the process that it comes from.

Only the thread that forks goes on in the child. A lock that another thread held would stay locked
there for ever, and what it guards may be half changed.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any, Protocol


class Renewed(Protocol):
    """Something with locks."""

    def renew(self) -> None:
        """Make the locks anew, and whatever another thread may have left half changed."""


_living: weakref.WeakSet[Renewed] = weakref.WeakSet()


def renew_in_children(thing: Renewed) -> None:
    """Call `thing.renew()` in every child that this process forks while the thing lives."""
    _living.add(thing)


def lock_that_forks_wait_for() -> Any:
    """An RLock for what cannot be renewed: no other thread forks while it is held."""
    lock = threading.RLock()
    _register(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
    return lock


def _renew() -> None:
    for thing in list(_living):
        thing.renew()


def _register(**calls: Any) -> None:
    if hasattr(os, "register_at_fork"):  # else there is no fork either
        os.register_at_fork(**calls)


_register(after_in_child=_renew)
