"""Chains of steps, each step after the last one of its chain: by the caller alone, or by several threads at once.

The kernels of a step release the interpreter's lock, and no step reads what another chain writes: the values do not
depend on how many threads there are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from threading import Event
from typing import TypeVar

T = TypeVar("T")


def advance(
    chains: Sequence[Iterator[T]], threads: int, stop: Event, arrived: Callable[[int, T], None]
) -> None:
    """Every chain to its end, in turn; ``arrived(chain, value)`` is called in the caller's thread.

    Whatever ends the call early, Ctrl-C among it, sets ``stop``, at which steps under way are to end.
    """
    if min(threads, len(chains)) == 1:
        _alone(chains, arrived)
        return
    with ThreadPoolExecutor(min(threads, len(chains))) as pool:
        try:
            _by_threads(chains, pool, arrived)
        except BaseException:
            stop.set()
            raise


def _alone(chains: Sequence[Iterator[T]], arrived: Callable[[int, T], None]) -> None:
    turns = deque(enumerate(chains))
    while turns:
        number, chain = turns.popleft()
        for value in _step(chain):
            arrived(number, value)
            turns.append((number, chain))


def _by_threads(
    chains: Sequence[Iterator[T]], pool: ThreadPoolExecutor, arrived: Callable[[int, T], None]
) -> None:
    under_way: dict[Future[list[T]], int] = {
        pool.submit(_step, chain): number for number, chain in enumerate(chains)
    }
    while under_way:
        for future in wait(under_way, return_when=FIRST_COMPLETED).done:
            number = under_way.pop(future)
            for value in future.result():
                under_way[pool.submit(_step, chains[number])] = number
                arrived(number, value)


def _step(chain: Iterator[T]) -> list[T]:
    """The next value, none at the end."""
    return list(islice(chain, 1))
