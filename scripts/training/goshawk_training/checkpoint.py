"""Checkpoints: written atomically, and read back with the run that they belong to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from .channels import channels_of
from .config import RunConfig
from .device import CPU
from .model import Detector
from .state import TrainState, build, state_of


def save(path: Path, state: TrainState, config: RunConfig, dataset: dict[str, Any], made_by: dict[str, Any]) -> None:
    """Writes a temporary file next to `path`, then renames it: a kill leaves the previous checkpoint.

    `dataset` describes the training store, `made_by` the code and machine (for the lineage).
    """
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        torch.save(
            {
                "config": config.to_json(),
                "data": dataset["digest"],
                "dataset": dataset,
                "madeBy": made_by,
                "channels": channels_of(state.model),
                "dense": state.dense,
                "masks": state.masks,
                "stages": state.stages,
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


def restore(path: Path, config: RunConfig, data_digest: str, device: torch.device = CPU) -> TrainState:
    """The state in a checkpoint, on a device, whatever device it was made on.

    Refuses one with other settings or other data, which would be another run.
    """
    stored = read(path)
    if RunConfig.from_json(stored["config"]) != config:
        raise ValueError(f"{path} was made with other settings; use another --run folder, or the same settings")
    if stored["data"] != data_digest:
        raise ValueError(f"{path} was trained on {stored['data']}, not on {data_digest}; use another --run folder")
    state = state_of(build(config, stored.get("channels")), config, device)
    state.model.load_state_dict(stored["model"])
    state.average.model.load_state_dict(stored["average"])
    state.average.updates = stored["updates"]
    state.optimizer.load_state_dict(stored["optimizer"])
    state.step, state.seconds = stored["step"], stored["seconds"]
    state.dense = stored.get("dense", state.dense)
    state.masks = {name: mask.to(device) for name, mask in stored.get("masks", {}).items()}
    state.stages = stored.get("stages", [])
    return state


def averaged_model(path: Path) -> Detector:
    """The network with the averaged weights of a checkpoint, ready for inference."""
    return averaged_model_of(read(path))


def averaged_model_of(stored: dict[str, Any]) -> Detector:
    """The same, from the values of `read`."""
    model = build(RunConfig.from_json(stored["config"]), stored.get("channels"))
    model.load_state_dict(stored["average"])
    return model.eval()
