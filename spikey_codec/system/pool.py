"""Work on one thing after the other, or on several at once in processes, in order either way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from ..errors import WorkerError

AHEAD = 2  # things a process that are taken on before the first is done


def ordered(function: Callable, items: Iterable, jobs: int = 1) -> Iterator:
    """function(item) of every item, in order, with at most so many processes.

    function : one that can be imported, which raises what it raises in a process here
    Items are taken when they are wanted, so that memory holds but a few. WorkerError where a
    process is killed.
    """
    if jobs <= 1:
        yield from map(function, items)
        return
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    pool = ProcessPoolExecutor(jobs, initializer=_begin)
    try:
        waiting: deque = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > AHEAD * jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        message = "A process that was at work has been killed; is the memory full?"
        raise WorkerError(message) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin() -> None:
    """In each process: leave signals of the terminal to the parent, and end when it is no more."""
    import signal
    import threading

    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # not the parent's handler, see files.write
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    import multiprocessing
    import os

    multiprocessing.parent_process().join()
    os._exit(1)  # there is nobody to tell
