"""Work in several processes: results in the order of the items, or each as soon as it is there.

The processes ignore the terminal's signals, which are for the process that started them, and they
end when that one ends.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from ..errors import WorkerError

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor
    from multiprocessing.connection import Connection

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 2  # items per process that are handed out before a result is waited for
KILLED = "A worker process was killed; the system may be out of memory."


class Finished(NamedTuple, Generic[Item, Result]):
    """What became of an item: the function's result, or the exception that it raised."""

    item: Item
    result: Result | None = None
    error: BaseException | None = None


def cores() -> int:
    """The number of cores that this process may use."""
    import os

    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def ordered(
    function: Callable[[Item], Result], items: Iterable[Item], processes: int = 1
) -> Iterator[Result]:
    """Yield function(item) for every item, in order; with one process, in this process.

    function : importable by name; items and results are pickled
    items : taken as they are needed, so that only a few are in memory

    Raises what the function raises, and WorkerError when a process is killed.
    """
    if processes <= 1:
        yield from map(function, items)
        return
    from concurrent.futures.process import BrokenProcessPool

    pool = _executor(processes)
    try:
        under_way: deque[Future[Result]] = deque()
        for item in items:
            under_way.append(_submit(pool, function, item))
            if len(under_way) > AHEAD * processes:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    except BrokenProcessPool as error:
        raise WorkerError(KILLED) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def unordered(
    function: Callable[[Item], Result], items: Iterable[Item], processes: int
) -> Generator[Finished[Item, Result], None, None]:
    """Yield what becomes of every item, as soon as it is known; closing the iterator stops all.

    function : importable by name; items and results are pickled

    An exception ends only its item. When a process is killed, the items that were under way are
    tried again one at a time, so that only the one that is to blame fails, with WorkerError.
    """
    from concurrent.futures.process import BrokenProcessPool

    waiting: deque[Item] = deque(items)
    suspects: deque[Item] = deque()
    while waiting or suspects:
        queue = suspects or waiting
        running: dict[Future[Result], Item] = {}
        size = 1 if suspects else min(processes, len(queue))
        try:
            yield from _drain(queue, running, function, size)
        except BrokenProcessPool:
            if queue is suspects:
                yield from (Finished(item, error=WorkerError(KILLED)) for item in running.values())
            else:
                suspects.extend(running.values())


def _drain(
    queue: deque[Item],
    running: dict[Future[Result], Item],
    function: Callable[[Item], Result],
    processes: int,
) -> Generator[Finished[Item, Result], None, None]:
    """Empty the queue; `running` holds the items under way, also after an exception."""
    import multiprocessing
    from concurrent.futures import FIRST_COMPLETED, wait
    from concurrent.futures.process import BrokenProcessPool

    # A suspect runs alone; otherwise no process has to wait for this one.
    ahead = 1 if processes == 1 else AHEAD * processes
    told, held = multiprocessing.get_context("spawn").Pipe(duplex=False)
    pool = _executor(processes, "spawn", told)  # not "fork": tqdm may have started a thread here
    try:
        while queue or running:
            while queue and len(running) < ahead:
                item = queue.popleft()
                try:
                    running[_submit(pool, function, item)] = item
                except BrokenProcessPool:
                    queue.appendleft(item)
                    raise
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                error = future.exception()
                if isinstance(error, (BrokenProcessPool, KeyboardInterrupt)):
                    raise error
                result = None if error else future.result()
                yield Finished(running.pop(future), result, error)
        pool.shutdown()
    finally:
        held.close()  # ends the processes, whatever they are doing
        pool.shutdown(cancel_futures=True)
        told.close()


def _executor(
    processes: int, method: str | None = None, told: Connection | None = None
) -> ProcessPoolExecutor:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    return ProcessPoolExecutor(processes, multiprocessing.get_context(method), _begin, (told,))


def _submit(
    pool: ProcessPoolExecutor, function: Callable[[Item], Result], item: Item
) -> Future[Result]:
    with _deaf():  # submitting may start processes
        return pool.submit(function, item)


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Hold Ctrl-C back for a moment; processes that are started meanwhile never receive it."""
    import signal

    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(told: Connection | None) -> None:
    """Initialise a process: ignore the terminal, and watch for the end of the parent."""
    import signal
    import threading

    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a fork inherits the handler of files.write
    threading.Thread(target=_end_with_parent, args=(told,), daemon=True).start()


def _end_with_parent(told: Connection | None) -> None:
    """End this process when the parent ends, or closes its end of the pipe."""
    import multiprocessing
    import os
    import signal
    import time
    from multiprocessing.connection import wait

    parent = multiprocessing.parent_process()
    assert parent is not None
    signs: list[Any] = [parent.sentinel]
    if told is not None:
        signs.append(told)
    wait(signs)
    while True:  # the first may only undo a half-written file, see files.write
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)
