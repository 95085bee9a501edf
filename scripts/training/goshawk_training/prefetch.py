"""Prepares later steps on threads while the current one is used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import TypeVar

Asked = TypeVar("Asked")
Made = TypeVar("Made")


def prefetched(
    make: Callable[[int, Asked], Made],
    ask: Callable[[int], Asked],
    first: int,
    last: int | None,
    *,
    workers: int,
    ahead: int,
    name: str,
) -> Iterator[tuple[int, Made]]:
    """Steps `first` up to but not including `last` (None: endless) with the result of `make` for each, in order.

    `make` runs on `workers` threads of that name, with what `ask` returned on the caller's thread when the step was
    started; at most `ahead` are ready or in progress. Their exceptions are raised here. Work that is no longer awaited
    is not started.
    """
    waiting: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix=name) as pool:
        try:
            following = first
            for step in count(first) if last is None else range(first, last):
                while (last is None or following < last) and len(waiting) < ahead:
                    waiting.append(pool.submit(make, following, ask(following)))
                    following += 1
                yield step, waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
