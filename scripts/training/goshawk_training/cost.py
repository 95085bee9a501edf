"""The cost of a network: multiply-adds per image, parameters, and the activations that each layer writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .channels import convolutions
from .model import Detector


@dataclass(frozen=True)
class LayerCost:
    """The part of a convolution's cost that does not depend on its widths."""

    pixels: int
    """output rows times columns"""
    taps: int
    """kernel height times width"""


def layer_costs(model: Detector) -> dict[str, LayerCost]:
    """Costs of each convolution at the input size of the network's configuration."""
    found: dict[str, LayerCost] = {}

    def noting(name: str) -> Callable[[nn.Conv2d, tuple[Tensor, ...], Tensor], None]:
        def note(conv: nn.Conv2d, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
            found[name] = LayerCost(output.shape[2] * output.shape[3], conv.kernel_size[0] * conv.kernel_size[1])

        return note

    hooks = [conv.register_forward_hook(noting(name)) for name, conv in convolutions(model).items()]
    was_training = model.training
    try:
        with torch.inference_mode():
            device = next(model.parameters()).device
            model.eval()(torch.zeros(1, 3, model.config.input_height, model.config.input_width, device=device))
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return found


def multiply_adds(model: Detector) -> int:
    """Multiply-adds of the convolutions for one image."""
    layers = layer_costs(model)
    return sum(
        layers[name].pixels * layers[name].taps * conv.in_channels * conv.out_channels
        for name, conv in convolutions(model).items()
    )


def parameters(model: nn.Module) -> int:
    """Weights of the convolutions; the norms are folded before serving."""
    return sum(conv.weight.numel() for conv in convolutions(model).values())
