"""Work on the workers of a Dask cluster, with the same results as `pool.unordered` gives."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import CancelledError
from typing import Any, TypeVar

from ..errors import UsageError
from .pool import Finished

Item = TypeVar("Item")
Result = TypeVar("Result")

PATIENCE = 5  # seconds that a scheduler has to answer


def unordered(
    function: Callable[[Item], Result], items: Sequence[Item], address: str
) -> Generator[Finished[Item, Result], None, None]:
    """Yield what becomes of every item, as soon as it is known.

    function, items : as for `pool.unordered`
    address : of a Dask scheduler, as in "tcp://host:8786"

    Raises UsageError when Dask is missing and when no scheduler answers within PATIENCE seconds,
    both before anything runs, and ConnectionError when the scheduler goes away. Closing the
    iterator cancels what has not begun; a worker finishes what it has.
    """
    client, as_completed = _connect(address)
    return _results(client, as_completed, function, items, address)


def _connect(address: str) -> tuple[Any, Any]:
    """A client, and `distributed.as_completed`."""
    try:
        import distributed
        from distributed.comm import core
    except ImportError as error:
        raise UsageError(
            "--scheduler needs Dask, which is not installed: pip install 'spikey-codec[dask]'."
        ) from error

    async def knock() -> None:  # a Client that finds nobody complains again when it is collected
        connecting = core.connect(address, timeout=PATIENCE)  # type: ignore[no-untyped-call, unused-ignore]
        comm = await asyncio.wait_for(connecting, PATIENCE)
        comm.abort()

    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # it would repeat our own message
    try:
        asyncio.run(knock())
        client = distributed.Client(  # type: ignore[no-untyped-call, unused-ignore]
            address, timeout=PATIENCE, set_as_default=False
        )
        return client, distributed.as_completed
    except Exception as error:  # of any kind: the other side may speak another protocol
        raise UsageError(
            f"No Dask scheduler answers at {address!r} within {PATIENCE} seconds."
        ) from error


def _results(
    client: Any,
    as_completed: Any,
    function: Callable[[Item], Result],
    items: Sequence[Item],
    address: str,
) -> Generator[Finished[Item, Result], None, None]:
    with client:
        # pure=False: an earlier result for the same file does not count
        futures = client.map(function, items, pure=False, retries=0)
        by_key = {future.key: item for future, item in zip(futures, items, strict=True)}
        try:
            for future in as_completed(futures, loop=client.loop):
                if future.status == "error":
                    yield Finished(by_key[future.key], error=future.exception())
                    continue
                try:
                    result = future.result()
                except (OSError, CancelledError) as error:  # from the network, not from the item
                    raise ConnectionError(
                        f"The Dask scheduler at {address} has gone away."
                    ) from error
                yield Finished(by_key[future.key], result)
        finally:
            if client.status == "running":
                client.cancel(futures)
