"""Learning rate and augmentation over time."""

from __future__ import annotations

import math

NEVER = 1 << 60


def learning_rate(step: int, total: int, peak: float, floor: float, warmup: int) -> float:
    """Linear warm-up for `warmup` steps, then half a cosine from `peak` to `peak * floor` at step `total`."""
    if step < warmup:
        return peak * (step + 1) / warmup
    done = min(1.0, (step - warmup) / max(1, total - warmup))
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done)))


def steps_in(limit: float, step: int, seconds: float) -> int:
    """Number of updates that fit into `limit` seconds if `step` of them took `seconds`, to plan a time box.

    At least one more than `step` until the time is up, and a very large number before the first update.
    """
    if step == 0:
        return NEVER
    return max(step + (seconds < limit), round(step * limit / max(seconds, 1e-3)))


def mosaic_share(epoch: float, epochs: float, share: float, plain_share: float) -> float:
    """The share of mosaics in an epoch: `share`, and none in the last `plain_share` of the epochs."""
    return 0.0 if epoch >= epochs * (1 - plain_share) else share


def polynomial_sparsity(done: float, initial: float, final: float) -> float:
    """Cubic rise from `initial` to `final` as `done` goes from 0 to 1 (Zhu & Gupta 2017): fast at first, then slow."""
    return final + (initial - final) * (1 - min(1.0, max(0.0, done))) ** 3
