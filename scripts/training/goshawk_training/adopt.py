"""A run that begins with the weights of an exported model, to continue training without its checkpoint.

Export folds every batch norm into its convolution, so the norms must be recreated: their inputs are measured on images,
and each norm is set so that it passes its input on unchanged.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from . import checkpoint
from .augment import letterboxed
from .channels import Channels, build_with
from .config import ModelConfig, RunConfig
from .data import SceneStore
from .lineage import digest_of, made_by
from .model import PIXEL_SCALE, ConvBnAct, Detector
from .state import state_of

PREFIX = "detector."
IMAGES = 64
BATCH = 8


def adopt(model: Path, config: ModelConfig, store: SceneStore, last: Path) -> Detector:
    """Writes a checkpoint of step 0 with the weights of an exported ONNX file or of a bundle's graph.

    `config` gives depths and input size; widths are read from the file, so that pruned networks are adopted too.
    Raises ValueError if the file was not exported by this package.
    """
    weights = read_weights(model)
    names = [name for name in weights if name.endswith("conv.weight") or name in _predictions(weights)]
    table: Channels = {name.removesuffix(".weight"): [weights[name].shape[1], weights[name].shape[0]] for name in names}
    detector = build_with(config, table)
    load_folded(detector, weights)
    settle_norms(detector, store)
    run = RunConfig(config, parent=digest_of(model))
    last.parent.mkdir(parents=True, exist_ok=True)
    checkpoint.save(last, state_of(detector, run), run, store.meta, made_by())
    return detector


def read_weights(model: Path) -> dict[str, Tensor]:
    """Weights and biases by their names in the network."""
    graph = onnx.load(str(model)).graph
    found = {
        tensor.name.removeprefix(PREFIX): torch.from_numpy(numpy_helper.to_array(tensor).copy())
        for tensor in graph.initializer
        if tensor.name.startswith(PREFIX)
    }
    if "backbone.stem.conv.weight" not in found:
        raise ValueError(
            f"{model} was not exported by goshawk_training, or it is quantized: its weights have other names"
        )
    return found


def load_folded(detector: Detector, weights: dict[str, Tensor]) -> None:
    """Puts folded weights into an unfused network: a convolution's bias becomes its norm's, in place."""
    state = detector.state_dict()
    for name, value in weights.items():
        target = name.replace(".conv.bias", ".bn.bias")
        if target not in state or state[target].shape != value.shape:
            raise ValueError(f"{name} {list(value.shape)} does not fit this network: another --family?")
        state[target] = value
    state["backbone.stem.conv.weight"] = state["backbone.stem.conv.weight"] / PIXEL_SCALE
    detector.load_state_dict(state)


@torch.no_grad()
def settle_norms(detector: Detector, store: SceneStore) -> None:
    """Sets statistics, gain and shift of each norm so that it passes its input on, plus the shift that it had.

    y = gain * (x - mean) / sqrt(var + eps) + shift is x + bias for gain = sqrt(var + eps), shift = bias + mean.
    """
    norms = [module.bn for module in detector.modules() if isinstance(module, ConvBnAct)]
    for norm in norms:
        _pass_on(norm, torch.zeros_like(norm.running_mean), torch.ones_like(norm.running_var), norm.bias.clone())
    sums = {norm: [torch.zeros_like(norm.bias), torch.zeros_like(norm.bias), 0] for norm in norms}

    def note(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        x, entry = inputs[0].double(), sums[norm]
        entry[0] = entry[0] + x.sum((0, 2, 3))
        entry[1] = entry[1] + x.square().sum((0, 2, 3))
        entry[2] += x.numel() // x.shape[1]

    hooks = [norm.register_forward_pre_hook(note) for norm in norms]
    count = min(IMAGES, len(store))
    for first in range(0, count, BATCH):
        scenes = [letterboxed(store[i], detector.config) for i in range(first, min(count, first + BATCH))]
        images = torch.from_numpy(np.stack([scene.image for scene in scenes]))
        detector.eval()(images.permute(0, 3, 1, 2).float())
    for hook in hooks:
        hook.remove()
    for norm, (total, squares, number) in sums.items():
        mean = total / number
        _pass_on(norm, mean.float(), (squares / number - mean.square()).clamp(min=0).float(), norm.bias.clone())


def _pass_on(norm: nn.BatchNorm2d, mean: Tensor, var: Tensor, bias: Tensor) -> None:
    shift = bias - norm.running_mean if norm.num_batches_tracked else bias
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(var)
    norm.weight.copy_(torch.sqrt(var + norm.eps))
    norm.bias.copy_(shift + mean)
    norm.num_batches_tracked.fill_(1)


def _predictions(weights: dict[str, Tensor]) -> set[str]:
    return {
        name
        for name in weights
        if name.rsplit(".", 2)[-2] in ("classes", "box", "objectness") and name.endswith("weight")
    }
