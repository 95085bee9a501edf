"""Where a run's batches come from: loader threads, or device memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import torch

from .config import RunConfig
from .data import SceneStore
from .loader import WHOLE, Batch, Share, batches, make_batch
from .resident import ResidentBatches

MosaicsOf = Callable[[int], float]
"""The share of mosaics at a step."""


class Batches(Protocol):
    """Batches on a run's device."""

    def make(self, step: int, mosaic: float) -> Batch:
        """The whole batch of a step, or this process's share of it."""

    def stream(self, first: int, last: int | None, mosaic_of: MosaicsOf) -> Iterator[tuple[int, Batch]]:
        """Steps `first` up to but not including `last`; None: endless."""


class LoadedBatches:
    """Batches assembled by CPU threads and moved to the device one by one."""

    def __init__(self, store: SceneStore, config: RunConfig, device: torch.device, share: Share = WHOLE) -> None:
        self._store, self._config, self._device, self._share = store, config, device, share

    def make(self, step: int, mosaic: float) -> Batch:
        return make_batch(self._store, self._config, step, self._share, mosaic).to(self._device)

    def stream(self, first: int, last: int | None, mosaic_of: MosaicsOf) -> Iterator[tuple[int, Batch]]:
        for step, batch in batches(self._store, self._config, first, last, self._share, mosaic_of=mosaic_of):
            yield step, batch.to(self._device)


def batches_of(store: SceneStore, config: RunConfig, device: torch.device, share: Share = WHOLE) -> Batches:
    """The batches for a run's settings."""
    if config.train.resident:
        return ResidentBatches(store, config, device)
    return LoadedBatches(store, config, device, share)
