"""A small convolutional detector: CSP backbone, two-way feature pyramid, decoupled anchor-free head.

It only uses plain 3x3 and 1x1 convolutions with ReLU, on which int8 kernels are fast and exact.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .config import STRIDES, ModelConfig

PRIOR_PROBABILITY = 0.01
PIXEL_SCALE = 1 / 255


class Join(nn.Module):
    """Concatenation of channels. `rounding` here and below: applied to the result by quantization-aware training."""

    def __init__(self) -> None:
        super().__init__()
        self.rounding: nn.Module = nn.Identity()

    def forward(self, *parts: Tensor) -> Tensor:
        return self.rounding(torch.cat(parts, dim=1))


class ConvBnAct(nn.Module):
    """Convolution without bias, batch norm, ReLU; `fuse` folds the norm into the convolution."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.bn: nn.Module = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03)
        self.rounding: nn.Module = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.rounding(F.relu(self.bn(self.conv(x)), inplace=True))

    def fuse(self) -> None:
        """Folds the batch norm's running statistics into the convolution; the module is then for inference only."""
        if not isinstance(self.bn, nn.BatchNorm2d):
            return
        norm, conv = self.bn, self.conv
        gain = norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)
        fused = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding, bias=True)
        fused.weight.data = conv.weight.detach() * gain[:, None, None, None]
        fused.bias.data = norm.bias.detach() - norm.running_mean * gain
        self.conv, self.bn = fused, nn.Identity()


class Bottleneck(nn.Module):
    """1x1 then 3x3, with a residual connection if `residual`."""

    def __init__(self, channels: int, residual: bool) -> None:
        super().__init__()
        self.reduce = ConvBnAct(channels, channels)
        self.spatial = ConvBnAct(channels, channels, 3)
        self.residual = residual
        self.rounding: nn.Module = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.spatial(self.reduce(x))
        return self.rounding(x + y) if self.residual else y


class CspBlock(nn.Module):
    """Cross-stage partial block: half of the channels go through bottlenecks, the other half around them."""

    def __init__(self, inputs: int, outputs: int, depth: int, residual: bool = True) -> None:
        super().__init__()
        hidden = outputs // 2
        self.main = ConvBnAct(inputs, hidden)
        self.side = ConvBnAct(inputs, hidden)
        self.blocks = nn.Sequential(*(Bottleneck(hidden, residual) for _ in range(depth)))
        self.join = Join()
        self.merge = ConvBnAct(2 * hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.merge(self.join(self.blocks(self.main(x)), self.side(x)))


class SpatialPool(nn.Module):
    """Spatial pyramid pooling by repeated 5x5 max pooling."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = ConvBnAct(channels, channels // 2)
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.join = Join()
        self.merge = ConvBnAct(channels // 2 * 4, channels)

    def forward(self, x: Tensor) -> Tensor:
        levels = [self.reduce(x)]
        for _ in range(3):
            levels.append(self.pool(levels[-1]))
        return self.merge(self.join(*levels))


class Backbone(nn.Module):
    """Features at strides 8, 16 and 32."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        w, d = config.widths, config.depths
        self.stem = ConvBnAct(3, config.stem, 3, 2)
        self.stage4 = nn.Sequential(ConvBnAct(config.stem, w[0], 3, 2), CspBlock(w[0], w[0], d[0]))
        self.stage8 = nn.Sequential(ConvBnAct(w[0], w[1], 3, 2), CspBlock(w[1], w[1], d[1]))
        self.stage16 = nn.Sequential(ConvBnAct(w[1], w[2], 3, 2), CspBlock(w[2], w[2], d[2]))
        self.stage32 = nn.Sequential(
            ConvBnAct(w[2], w[3], 3, 2), SpatialPool(w[3]), CspBlock(w[3], w[3], d[3], residual=False)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        c8 = self.stage8(self.stage4(self.stem(x)))
        c16 = self.stage16(c8)
        return c8, c16, self.stage32(c16)


class Pyramid(nn.Module):
    """Top-down then bottom-up paths (a path aggregation network) over three scales."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        (_, c8, c16, c32), (n8, n16, n32) = config.widths, config.neck
        self.lateral32 = ConvBnAct(c32, n16)
        self.down16 = CspBlock(c16 + n16, n16, 1, residual=False)
        self.lateral16 = ConvBnAct(n16, n8)
        self.down8 = CspBlock(c8 + n8, n8, 1, residual=False)
        self.shrink8 = ConvBnAct(n8, n8, 3, 2)
        self.up16 = CspBlock(n8 + n8, n16, 1, residual=False)
        self.shrink16 = ConvBnAct(n16, n16, 3, 2)
        self.up32 = CspBlock(n16 + n16, n32, 1, residual=False)
        self.grow = nn.Upsample(scale_factor=2.0, mode="nearest")
        self.joins = nn.ModuleDict({name: Join() for name in ("down16", "down8", "up16", "up32")})

    def forward(self, features: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        c8, c16, c32 = features
        l32 = self.lateral32(c32)
        l16 = self.lateral16(self.down16(self.joins["down16"](c16, self.grow(l32))))
        p8 = self.down8(self.joins["down8"](c8, self.grow(l16)))
        p16 = self.up16(self.joins["up16"](self.shrink8(p8), l16))
        p32 = self.up32(self.joins["up32"](self.shrink16(p16), l32))
        return p8, p16, p32


class Prediction(nn.Conv2d):
    """The last layer of a branch."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 1)
        self.rounding: nn.Module = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.rounding(super().forward(x))


class LevelHead(nn.Module):
    """Decoupled head of one scale: one branch for classes, one for box and objectness."""

    def __init__(self, inputs: int, config: ModelConfig) -> None:
        super().__init__()
        width = config.head
        self.stem = ConvBnAct(inputs, width)
        self.class_branch = nn.Sequential(*(ConvBnAct(width, width, 3) for _ in range(config.head_depth)))
        self.box_branch = nn.Sequential(*(ConvBnAct(width, width, 3) for _ in range(config.head_depth)))
        self.classes = Prediction(width, config.classes)
        self.box = Prediction(width, 4)
        self.objectness = Prediction(width, 1)
        self._start()

    def _start(self) -> None:
        nn.init.constant_(self.objectness.bias, -math.log((1 - PRIOR_PROBABILITY) / PRIOR_PROBABILITY))
        nn.init.zeros_(self.classes.bias)
        nn.init.normal_(self.box.weight, std=0.01)
        # boxes start centered on their cells, 2.7 strides wide and high
        self.box.bias.data.copy_(torch.tensor([0.5, 0.5, 1.0, 1.0]))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        classes, box = self.class_branch(x), self.box_branch(x)
        kind = x.device.type
        if torch.is_autocast_enabled(kind):
            # the last layers stay in float32 under autocast: bf16 has too few digits for coordinates
            with torch.autocast(kind, enabled=False):
                return self._predict(classes.float(), box.float())
        return self._predict(classes, box)

    def _predict(self, classes: Tensor, box: Tensor) -> Tensor:
        return torch.cat((self.box(box), self.objectness(box), self.classes(classes)), dim=1)


class Detector(nn.Module):
    """Images [B, 3, H, W] of RGB 0..255 to raw predictions [B, N, 5 + C] in YOLOX's order.

    N counts the cells of strides 8, 16, 32, row by row. Columns: x and y offset from the cell's corner and log width
    and height, all in strides; objectness and class **logits**.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = Backbone(config)
        self.pyramid = Pyramid(config)
        self.heads = nn.ModuleList(LevelHead(width, config) for width in config.neck)
        self.fused = False

    def forward(self, images: Tensor) -> Tensor:
        config = self.config
        cells = [(config.input_height // stride) * (config.input_width // stride) for stride in STRIDES]
        # all sizes except the batch's are fixed, so that an exported graph has no nodes that compute shapes
        rows = [m.reshape(-1, 5 + config.classes, n) for m, n in zip(self.maps(images), cells, strict=True)]
        return torch.cat(rows, dim=2).transpose(1, 2)

    def maps(self, images: Tensor) -> list[Tensor]:
        """The same predictions as one map [B, 5 + C, rows, columns] for each stride."""
        levels = self.pyramid(self.backbone(images if self.fused else images * PIXEL_SCALE))
        return [head(level) for head, level in zip(self.heads, levels, strict=True)]

    def fuse(self) -> Detector:
        """Folds every batch norm into its convolution and the pixel scale into the first one, in place."""
        for module in self.modules():
            if isinstance(module, ConvBnAct):
                module.fuse()
        if not self.fused:
            self.backbone.stem.conv.weight.data.mul_(PIXEL_SCALE)
            self.fused = True
        return self


def cell_grid(config: ModelConfig) -> tuple[Tensor, Tensor]:
    """Corner of each cell in cells [N, 2] (x, y) and stride of each cell [N], in the order of `Detector`'s output."""
    corners, strides = [], []
    for stride in STRIDES:
        rows, columns = config.input_height // stride, config.input_width // stride
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        corners.append(torch.stack((x, y), dim=-1).reshape(-1, 2))
        strides.append(torch.full((rows * columns,), stride))
    return torch.cat(corners).float(), torch.cat(strides).float()


def decode_boxes(raw: Tensor, corners: Tensor, strides: Tensor) -> Tensor:
    """Raw boxes [..., N, 4] to corner form x1, y1, x2, y2 in input pixels."""
    center = (raw[..., :2] + corners) * strides[:, None]
    half = raw[..., 2:4].clamp(max=6.0).exp() * strides[:, None] * 0.5
    return torch.cat((center - half, center + half), dim=-1)
