"""Batches, made on a thread of their own while the network computes: the same for a seed and a step, always."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

import numpy as np
from torch import Tensor

from .assign import Targets
from .augment import collate, compose, jitter_colors
from .config import RunConfig
from .data import SceneStore
from .schedule import mosaic_share

Batch = tuple[Tensor, Targets]
PREFETCHED = 3


def steps_per_epoch(store: SceneStore, config: RunConfig) -> int:
    """Whole batches only; a store smaller than a batch gives one."""
    return max(1, len(store) // config.train.batch)


def make_batch(store: SceneStore, config: RunConfig, step: int) -> Batch:
    """The batch of a global step, a pure function of the seed and the step."""
    train = config.train
    per_epoch = steps_per_epoch(store, config)
    epoch, within = divmod(step, per_epoch)
    order = np.random.default_rng((train.seed, epoch)).permutation(len(store))
    rng = np.random.default_rng((train.seed, epoch, within))
    share = mosaic_share(epoch, train.epochs, train.mosaic, train.plain_share)
    chosen = order[within * train.batch : (within + 1) * train.batch]
    scenes = [compose(store, int(i), share, config.model, train, rng) for i in chosen]
    pictures, targets = collate(scenes)
    return jitter_colors(pictures, train.color, rng), targets


def batches(store: SceneStore, config: RunConfig, first: int, last: int) -> Iterator[tuple[int, Batch]]:
    """Steps `first` up to but not including `last`, prefetched. Errors of the loading thread are raised here."""
    ready: queue.Queue[tuple[int, Batch] | BaseException | None] = queue.Queue(PREFETCHED)
    stopped = threading.Event()

    def offer(item: tuple[int, Batch] | BaseException | None) -> bool:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=0.5)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for step in range(first, last):
                if not offer((step, make_batch(store, config, step))):
                    return
            offer(None)
        except BaseException as error:
            offer(error)

    thread = threading.Thread(target=work, name="batches", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()
