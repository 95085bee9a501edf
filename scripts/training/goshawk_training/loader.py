"""Batches, assembled on threads while the network computes; deterministic for a seed and a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .assign import Targets
from .augment import collate, compose, draw_color, shift_colors
from .config import RunConfig
from .data import Scene, SceneStore
from .prefetch import prefetched
from .schedule import mosaic_share

WORKERS = 2
PREFETCHED = 2
"""Batches ready or in progress beyond one for each worker."""


@dataclass(frozen=True)
class Batch:
    """The data of one update."""

    images: Tensor
    """[B, 3, H, W] float32 0..255"""
    targets: Targets
    views: np.ndarray
    """[B] int64, as `compose` numbers them"""

    def to(self, device: torch.device) -> Batch:
        """The same batch in the memory of a device."""
        return Batch(self.images.to(device), self.targets.to(device), self.views)


@dataclass(frozen=True)
class Share:
    """The part of each batch that this process trains on: images `rank`, `rank + world`, ..."""

    rank: int = 0
    world: int = 1


WHOLE = Share()


def steps_per_epoch(store: SceneStore, config: RunConfig) -> int:
    """Whole batches only; a store smaller than a batch has one."""
    return max(1, len(store) // config.train.batch)


def make_batch(
    store: SceneStore, config: RunConfig, step: int, share: Share = WHOLE, mosaics: float | None = None
) -> Batch:
    """The batch of a global step: each image is a pure function of the seed, the step and its position.

    `mosaics` is the share of mosaics; None: that of the epoch.
    """
    train = config.train
    per_epoch = steps_per_epoch(store, config)
    epoch, within = divmod(step, per_epoch)
    order = np.random.default_rng((train.seed, epoch)).permutation(len(store))
    if mosaics is None:
        mosaics = mosaic_share(epoch, train.epochs, train.mosaic, train.plain_share)
    chosen = order[within * train.batch : (within + 1) * train.batch]
    scenes: list[Scene] = []
    views: list[int] = []
    colors: list[np.ndarray] = []
    for place in range(share.rank, len(chosen), share.world):
        rng = np.random.default_rng((train.seed, epoch, within, place))
        scene, view = compose(store, int(chosen[place]), mosaics, config.model, train, rng)
        scenes.append(scene)
        views.append(view)
        colors.append(draw_color(train.color, rng))
    images, targets = collate(scenes)
    if train.color > 0:
        shift_colors(images, np.stack(colors))
    return Batch(images, targets, np.array(views))


def batches(
    store: SceneStore,
    config: RunConfig,
    first: int,
    last: int | None,
    share: Share = WHOLE,
    workers: int = WORKERS,
    mosaic_of: Callable[[int], float | None] = lambda step: None,
) -> Iterator[tuple[int, Batch]]:
    """Steps `first` up to but not including `last` (None: endless), prefetched in order. Errors of a loader thread are
    raised here. `mosaic_of` returns the share of mosaics at a step; None: that of its epoch.
    """

    def make(step: int, mosaics: float | None) -> Batch:
        return make_batch(store, config, step, share, mosaics)

    ahead = workers + PREFETCHED
    yield from prefetched(make, mosaic_of, first, last, workers=workers, ahead=ahead, name="batches")
