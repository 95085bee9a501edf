"""One process of a run by `torchrun`: gradients of its share of a toy batch, averaged over all, go into a file.

Usage: torchrun --nproc-per-node 2 -m tests.gradients_of_two STORE SETTINGS.json OUT.pt
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from goshawk_training.config import RunConfig
from goshawk_training.data import SceneStore
from goshawk_training.loader import make_batch
from goshawk_training.loss import DetectionLoss
from goshawk_training.processes import Processes, joined

from .test_export import noisy_detector


def gradients(store: SceneStore, config: RunConfig, processes: Processes) -> dict[str, torch.Tensor]:
    """With the norms' statistics frozen, of the first batch."""
    model = noisy_detector(config)
    network = processes.wrapped(model)
    batch = make_batch(store, config, 0, processes.share)
    loss_of = DetectionLoss(config.model, config.train.box_weight, None, processes.norm)
    loss_of(network(batch.images), batch.targets).total.backward()
    return {name: parameter.grad for name, parameter in model.named_parameters()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder, settings, out = (Path(argument) for argument in sys.argv[1:])
    with joined() as together:
        found = gradients(SceneStore(folder), RunConfig.from_json(json.loads(settings.read_text())), together)
        if together.first:
            torch.save(found, out)
