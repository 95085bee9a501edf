"""Simulated int8 arithmetic for quantization-aware training (Jacob et al. 2018; Krishnamoorthi 2018).

The network is fused first: each norm is folded into its convolution, and the folded weights are trained, so that the
same values are rounded here and in serving. Weights: int8, symmetric, one scale for each output
channel. Activations: uint8 from 0 (they come out of a ReLU) to a limit of the tensor, either learned (LSQ, Esser et al.
2020) or the moving average of the batches' maxima. Rounding passes gradients straight through within the range.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .config import QatConfig
from .model import Bottleneck, ConvBnAct, Detector, Join, LevelHead, Prediction

LEVELS = 255
WEIGHT_LEVELS = 127
MOMENTUM = 0.1
SMALLEST_LIMIT = 1e-4
RANGE_PARAMETER = "log_limit"


def is_range(parameter_name: str) -> bool:
    """Whether a parameter is the range of an activation."""
    return parameter_name.rpartition(".")[2] == RANGE_PARAMETER


def _round(x: Tensor, limit: float) -> Tensor:
    return torch.fake_quantize_per_tensor_affine(x, limit / LEVELS, 0, 0, LEVELS)


class _LearnedRounding(torch.autograd.Function):
    """Rounding with LSQ's gradient for the range: y = limit f(x / limit), dy / d log(limit) = y - x f'(x / limit)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, log_limit: Tensor) -> Tensor:  # noqa: ANN401 - torch's context has no type
        limit = float(log_limit.exp())
        y = _round(x, limit)
        ctx.save_for_backward(x, y)
        ctx.limit = limit
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ANN401
        x, y = ctx.saved_tensors
        through = gradient * (x <= ctx.limit)
        # above the limit, y is the limit and does not depend on x
        return through, (gradient * y).sum() - (through * x).sum()


class ActivationRounding(nn.Module):
    """Rounds a non-negative activation to 8 bits; `set_mode` sets the mode."""

    def __init__(self, learned: bool) -> None:
        super().__init__()
        # the logarithm, so that a step of the optimizer is relative to the range
        self.log_limit = nn.Parameter(torch.zeros(()), requires_grad=True)
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))
        self.learned = learned
        self.measuring = False
        self.frozen = False

    def forward(self, x: Tensor) -> Tensor:
        if self.measuring or (self.training and not self.learned and not self.frozen):
            self._measure(x)
        if self.measuring:
            return x
        if self.learned and self.training and not self.frozen:
            return _LearnedRounding.apply(x, self.log_limit)
        return _round(x, float(self.log_limit.detach().exp()))

    @torch.no_grad()
    def _measure(self, x: Tensor) -> None:
        largest = x.amax().clamp(min=SMALLEST_LIMIT)
        now = self.log_limit.exp()
        self.log_limit.copy_((largest if self.seen == 0 else now + MOMENTUM * (largest - now)).log())
        self.seen += 1

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest representable value."""
        return 0.0, float(self.log_limit.detach().exp())


class SignedRange(nn.Module):
    """Tracks the range of a prediction, which may be negative; with `rounds`, rounds it to 8 bits, zero included."""

    def __init__(self, rounds: bool) -> None:
        super().__init__()
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))
        self.rounds = rounds
        self.measuring = False
        self.frozen = False

    def forward(self, x: Tensor) -> Tensor:
        if self.measuring or (self.training and not self.frozen):
            with torch.no_grad():
                # predictions have rare extremes that matter, so keep the widest range
                self.low.copy_(torch.minimum(self.low, x.amin()))
                self.high.copy_(torch.maximum(self.high, x.amax()))
        if self.measuring or not self.rounds:
            return x
        scale = max(float(self.high - self.low), SMALLEST_LIMIT) / LEVELS
        zero = round(-float(self.low) / scale)
        return torch.fake_quantize_per_tensor_affine(x, scale, zero, 0, LEVELS)

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest representable value."""
        return float(self.low), float(self.high)


Rounding = ActivationRounding | SignedRange


def rounded_weight(weight: Tensor) -> Tensor:
    """Weights rounded to int8, [out, in, h, w]: an output channel's scale is its largest magnitude / 127."""
    scale = weight.detach().abs().amax(dim=(1, 2, 3)).clamp(min=1e-12) / WEIGHT_LEVELS
    zero = torch.zeros(len(scale), dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -WEIGHT_LEVELS, WEIGHT_LEVELS)


class RoundedConv(nn.Conv2d):
    """A convolution whose weights are rounded on every pass, while `rounds`."""

    rounds = True

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, rounded_weight(self.weight) if self.rounds else self.weight, self.bias)


class RoundedPrediction(Prediction):
    """A prediction layer whose weights are rounded on every pass, while `rounds`."""

    rounds = True

    def forward(self, x: Tensor) -> Tensor:
        weight = rounded_weight(self.weight) if self.rounds else self.weight
        return self.rounding(self._conv_forward(x, weight, self.bias))


def quantize_aware(model: Detector, settings: QatConfig) -> Detector:
    """Fuses the network and inserts rounding where ONNX Runtime's quantized graph has it, in place."""
    model.fuse()
    for module in list(model.modules()):
        if isinstance(module, ConvBnAct):
            conv = module.conv
            module.conv = _with_weights_of(
                conv, RoundedConv(conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding)
            )
        if isinstance(module, (ConvBnAct, Join)) or (isinstance(module, Bottleneck) and module.residual):
            module.rounding = ActivationRounding(settings.learned)
        if isinstance(module, LevelHead):
            for name in ("classes", "box", "objectness"):
                layer = getattr(module, name)
                if settings.predictions:
                    layer = _with_weights_of(layer, RoundedPrediction(layer.in_channels, layer.out_channels))
                    setattr(module, name, layer)
                layer.rounding = SignedRange(settings.predictions)
    return model


def _with_weights_of(old: nn.Conv2d, new: nn.Conv2d) -> nn.Conv2d:
    new.weight, new.bias = old.weight, old.bias
    return new


def roundings(model: nn.Module) -> dict[str, Rounding]:
    """All rounding modules of a network by name."""
    return {n: m for n, m in model.named_modules() if isinstance(m, (ActivationRounding, SignedRange))}


def set_mode(model: nn.Module, *, measuring: bool | None = None, frozen: bool | None = None) -> None:
    """`measuring`: ranges follow the data and nothing is rounded. `frozen`: ranges stay."""
    for rounding in roundings(model).values():
        if measuring is not None:
            rounding.measuring = measuring
        if frozen is not None:
            rounding.frozen = frozen
            for parameter in rounding.parameters():
                parameter.requires_grad_(not frozen)
