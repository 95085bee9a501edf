"""Checkpoints: written whole or not at all, read back with the run they belong to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from .config import RunConfig
from .ema import WeightAverage
from .model import Detector


@dataclass
class TrainState:
    """All that a run needs to go on as if it had never stopped (batches follow from seed and step)."""

    model: Detector
    average: WeightAverage
    optimizer: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0
    """spent training, over all resumptions"""


def save(path: Path, state: TrainState, config: RunConfig, data_digest: str) -> None:
    """Writes beside `path`, then renames: a kill leaves the previous checkpoint."""
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        torch.save(
            {
                "config": config.to_json(),
                "data": data_digest,
                "model": state.model.state_dict(),
                "average": state.average.model.state_dict(),
                "updates": state.average.updates,
                "optimizer": state.optimizer.state_dict(),
                "step": state.step,
                "seconds": state.seconds,
            },
            file,
        )
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)


def read(path: Path) -> dict[str, Any]:
    """The stored values; only tensors and plain values are unpickled."""
    return torch.load(path, map_location="cpu", weights_only=True)


def restore(path: Path, state: TrainState, config: RunConfig, data_digest: str) -> None:
    """Puts a checkpoint into `state`. Refuses one of other settings or other data: it would be another run."""
    stored = read(path)
    if RunConfig.from_json(stored["config"]) != config:
        raise ValueError(f"{path} was made with other settings; use another --run folder, or the same settings")
    if stored["data"] != data_digest:
        raise ValueError(f"{path} was trained on {stored['data']}, not on {data_digest}; use another --run folder")
    state.model.load_state_dict(stored["model"])
    state.average.model.load_state_dict(stored["average"])
    state.average.updates = stored["updates"]
    state.optimizer.load_state_dict(stored["optimizer"])
    state.step, state.seconds = stored["step"], stored["seconds"]


def averaged_model(path: Path) -> Detector:
    """The network with the averaged weights of a checkpoint, ready for inference."""
    stored = read(path)
    model = Detector(RunConfig.from_json(stored["config"]).model)
    model.load_state_dict(stored["average"])
    return model.eval()
