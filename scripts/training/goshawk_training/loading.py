"""Whether loading keeps up: pictures a second that can be loaded, against those that training consumes."""

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
"""Steps that are not counted: the first ones allocate memory and fill the page cache."""


@dataclass(frozen=True)
class Rates:
    """Pictures a second."""

    loaded: float
    """by the loader with nothing else to do"""
    consumed: float
    """by training on a batch that is there already"""
    together: float
    """by training that waits for the loader: what a run gets"""


def measure_rates(store: SceneStore, config: RunConfig, steps: int, threads: int, workers: int) -> Rates:
    """Medians would hide what a run feels: rates are over all of `steps` steps after a short warm-up."""
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
