"""Widths of a network after pruning: a table that a checkpoint stores to rebuild the exact module."""

from __future__ import annotations

import torch
from torch import nn

from .config import ModelConfig
from .model import ConvBnAct, Detector

Channels = dict[str, list[int]]
"""Input and output channels of each convolution, by its name in the module tree."""


def channels_of(model: nn.Module) -> Channels:
    """The table for a network."""
    return {name: [conv.in_channels, conv.out_channels] for name, conv in convolutions(model).items()}


def convolutions(model: nn.Module) -> dict[str, nn.Conv2d]:
    """All convolutions by name, in the order of the module tree."""
    return {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d)}


def set_channels(model: Detector, table: Channels) -> Detector:
    """Gives a freshly built, unfused network the widths of a table, in place; its weights are reinitialized."""
    missing = set(table) ^ set(convolutions(model))
    if missing:
        raise ValueError(f"the table of channels does not fit the network: {', '.join(sorted(missing)[:3])}")
    for name, (inputs, outputs) in table.items():
        conv = model.get_submodule(name)
        if not isinstance(conv, nn.Conv2d) or (conv.in_channels, conv.out_channels) == (inputs, outputs):
            continue
        _resize(conv, inputs, outputs)
        parent = model.get_submodule(name.rpartition(".")[0])
        if isinstance(parent, ConvBnAct) and isinstance(parent.bn, nn.BatchNorm2d):
            parent.bn = nn.BatchNorm2d(outputs, eps=parent.bn.eps, momentum=parent.bn.momentum)
    return model


def build_with(config: ModelConfig, table: Channels | None) -> Detector:
    """A new network of a configuration and the widths of a table (None: the configuration's own)."""
    model = Detector(config)
    return model if table is None else set_channels(model, table)


def _resize(conv: nn.Conv2d, inputs: int, outputs: int) -> None:
    # in place, so that subclasses of Conv2d keep their type
    conv.in_channels, conv.out_channels = inputs, outputs
    conv.weight = nn.Parameter(torch.empty(outputs, inputs, *conv.kernel_size))
    conv.bias = None if conv.bias is None else nn.Parameter(torch.empty(outputs))
    conv.reset_parameters()
