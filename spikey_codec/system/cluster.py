"""Hands jobs to processes, of this machine or of a Dask cluster, and gives results as they come.

A job that fails, or that takes its process down with it, does not stop the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, NamedTuple

from ..errors import UsageError

PATIENCE = 5  # seconds for a scheduler to answer
DIED = "The process that worked on it died, perhaps for want of memory."


class Finished(NamedTuple):
    """What became of a job: the function's result, or the exception that came instead."""

    job: Any
    result: Any = None
    error: BaseException | None = None


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# Processes of this machine


def local(function: Callable, jobs: list, count: int) -> Iterator[Finished]:
    """Run function(job) for every job in `count` processes; they end where the iterator is closed.

    Function, jobs and results are pickled. Where a process dies, the jobs that were under way are
    tried again, each alone, so that only the one to blame fails.
    """
    waiting, suspects = deque(jobs), deque()
    while waiting or suspects:
        queue, running = suspects or waiting, {}
        size = 1 if suspects else min(count, len(queue))
        try:
            yield from _in_pool(function, queue, running, size)
        except BrokenProcessPool:
            if queue is suspects:
                yield from (Finished(job, error=RuntimeError(DIED)) for job in running.values())
            else:
                suspects.extend(running.values())


def _in_pool(function, queue: deque, running: dict, size: int) -> Iterator[Finished]:
    """Empties the queue; `running` holds what is under way by future, also after it raised."""
    context = multiprocessing.get_context("spawn")  # there may be threads here, as of tqdm
    ahead = 1 if size == 1 else 2 * size  # alone means alone; else no process need wait for us
    watched, held = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(size, context, _begin, (watched,))
    try:
        while queue or running:
            while queue and len(running) < ahead:
                job = queue.popleft()
                try:
                    with _deaf():  # the first starts the processes
                        running[pool.submit(function, job)] = job
                except BrokenProcessPool:
                    queue.appendleft(job)
                    raise
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                error = future.exception()
                if isinstance(error, (BrokenProcessPool, KeyboardInterrupt)):
                    raise error
                result = None if error else future.result()
                yield Finished(running.pop(future), result, error)
        pool.shutdown()
    finally:
        held.close()  # which ends the processes, wherever they are
        pool.shutdown(cancel_futures=True)
        watched.close()


@contextlib.contextmanager
def _deaf():
    """Hold Ctrl-C back for a moment; processes that are started meanwhile never hear it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(watched) -> None:
    """In each process: leave Ctrl-C to the parent, and end when it says so or is no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(watched,), daemon=True).start()


def _end_with(watched) -> None:
    try:
        watched.recv_bytes()  # nothing is ever sent
    except (EOFError, OSError):
        pass
    while True:  # the first may only undo a file half written, see files.write
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)


# Processes of a cluster


def on_cluster(function: Callable, jobs: list, address: str) -> Iterator[Finished]:
    """Run function(job) for every job on the workers of the Dask scheduler at `address`.

    Raises UsageError without Dask and where no scheduler answers within PATIENCE seconds, before
    anything is run, and ConnectionError where it goes away. Closing the iterator takes back what
    has not begun; what is under way on a worker is finished there.
    """
    client, as_completed = _connect(address)
    return _finished_on(client, as_completed, function, jobs, address)


def _connect(address: str):
    try:
        from distributed import Client, as_completed
        from distributed.comm import connect
    except ImportError as error:
        raise UsageError(
            "--scheduler needs Dask, which is not installed: pip install 'spikey-codec[dask]'."
        ) from error

    async def knock():  # a Client that finds nobody complains once more when it is collected
        comm = await asyncio.wait_for(connect(address, timeout=PATIENCE), PATIENCE)
        comm.abort()

    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # it logs what we say
    try:
        asyncio.run(knock())
        return Client(address, timeout=PATIENCE, set_as_default=False), as_completed
    except Exception as error:  # of any kind: whoever answers may speak another language
        raise UsageError(
            f"No Dask scheduler answers at {address!r} within {PATIENCE} seconds."
        ) from error


def _finished_on(client, as_completed, function, jobs, address: str) -> Iterator[Finished]:
    with client:
        # not pure: what was computed for the same file before is no answer
        futures = client.map(function, jobs, pure=False, retries=0)
        by_key = {future.key: job for future, job in zip(futures, jobs)}
        try:
            for future in as_completed(futures, loop=client.loop):
                if future.status == "error":
                    yield Finished(by_key[future.key], error=future.exception())
                    continue
                try:
                    result = future.result()
                except (OSError, CancelledError) as error:  # none of the job's, but of the network
                    raise ConnectionError(
                        f"The Dask scheduler at {address} has gone away."
                    ) from error
                yield Finished(by_key[future.key], result)
        finally:
            if client.status == "running":
                client.cancel(futures)
