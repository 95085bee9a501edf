"""Whether loading keeps up: images per second loaded, against those that training consumes."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .config import RunConfig
from .data import SceneStore
from .loader import batches, make_batch
from .loss import DetectionLoss
from .state import new_state
from .threads import Threads
from .train import train_step

WARM_UP = 2
"""Uncounted first steps, which allocate memory and fill the page cache."""


@dataclass(frozen=True)
class Rates:
    """Images per second."""

    loaded: float
    """by the loader alone"""
    consumed: float
    """by training on a prepared batch"""
    together: float
    """by training that waits for the loader, as in a run"""


def measure_rates(store: SceneStore, config: RunConfig, steps: int, threads: int, workers: int) -> Rates:
    """Measures rates over all `steps` steps after a short warm-up; medians would hide what a run experiences."""
    Threads(threads)
    state = new_state(config)
    loss_of = DetectionLoss(config.model, config.train.box_weight)
    total = steps + WARM_UP
    size = config.train.batch

    begun = 0.0
    for step, _ in batches(store, config, 0, total, workers=workers):
        if step == WARM_UP - 1:
            begun = time.perf_counter()
    loaded = steps * size / (time.perf_counter() - begun)

    batch = make_batch(store, config, 0)
    for step in range(total):
        if step == WARM_UP:
            begun = time.perf_counter()
        train_step(state, config, loss_of, batch, step, total)
    consumed = steps * size / (time.perf_counter() - begun)

    for step, loaded_batch in batches(store, config, 0, total, workers=workers):
        if step == WARM_UP:
            begun = time.perf_counter()
        train_step(state, config, loss_of, loaded_batch, step, total)
    return Rates(loaded, consumed, steps * size / (time.perf_counter() - begun))
