"""What a search may vary; separate from the search itself, which needs Optuna."""

from __future__ import annotations

from dataclasses import dataclass

STOPPERS = ("median", "hyperband")


@dataclass(frozen=True)
class Interval:
    """Values that a setting may take."""

    low: float
    high: float
    log: bool = False


SPACE: dict[str, Interval] = {
    "lr": Interval(3e-4, 6e-3, log=True),
    "weight_decay": Interval(3e-3, 0.1, log=True),
    "box_weight": Interval(2.0, 10.0),
    "color": Interval(0.0, 0.3),
    "mosaic": Interval(0.0, 0.5),
}
"""By the name of TrainConfig's field."""
