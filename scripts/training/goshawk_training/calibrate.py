"""Initial ranges of activations, measured before quantization-aware training begins."""

from __future__ import annotations

import torch

from .config import RunConfig
from .data import SceneStore
from .loader import make_batch
from .quantize import set_mode
from .state import TrainState


def measure_ranges(state: TrainState, config: RunConfig, store: SceneStore) -> None:
    """Moving averages over the run's first batches, in float; weights are not changed."""
    if config.qat is None:
        return
    set_mode(state.model, measuring=True)
    with torch.no_grad():
        state.model.eval()
        for step in range(config.qat.calibration_batches):
            state.model(make_batch(store, config, step).images.to(state.device))
    set_mode(state.model, measuring=False)
    state.average.model.load_state_dict(state.model.state_dict())
