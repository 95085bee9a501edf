"""What can be chosen: the shape of the network and the way it is trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

LABELS: tuple[str, ...] = (
    "person",
    "bicycle",
    "car",
    "motorcycle",
    "bus",
    "truck",
    "traffic light",
    "stop sign",
)
STRIDES: tuple[int, ...] = (8, 16, 32)
PAD_VALUE = 114


@dataclass(frozen=True)
class ModelConfig:
    """Widths and depths of the network; the input is `input_width` x `input_height` pixels, multiples of 32."""

    input_width: int = 448
    input_height: int = 256
    classes: int = len(LABELS)
    stem: int = 16
    """channels at stride 2"""
    widths: tuple[int, int, int, int] = (32, 48, 96, 160)
    """channels at strides 4, 8, 16, 32"""
    depths: tuple[int, int, int, int] = (1, 2, 2, 1)
    """residual bottlenecks at strides 4, 8, 16, 32"""
    neck: tuple[int, int, int] = (48, 64, 96)
    """channels of the pyramid at strides 8, 16, 32"""
    head: int = 48
    """channels of both branches of the decoupled head"""
    head_depth: int = 2
    """3x3 convolutions in each branch"""


FAMILY: dict[str, ModelConfig] = {
    "baseline": ModelConfig(stem=32, widths=(64, 96, 192, 320), neck=(96, 128, 192), head=96),
    "small": ModelConfig(),
}
"""The default family, by name: `baseline` (3.6 M parameters) is what pruning starts from and speed is measured against."""


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides the weights besides the data and the model's shape."""

    seed: int = 1
    epochs: int = 9
    batch: int = 8
    lr: float = 1.5e-3
    """peak learning rate of AdamW"""
    lr_floor: float = 0.02
    """share of the peak that is left at the end of the cosine"""
    warmup_steps: int = 500
    weight_decay: float = 0.03
    grad_clip: float = 10.0
    ema_decay: float = 0.999
    ema_ramp: float = 600.0
    mosaic: float = 0.25
    """share of training pictures that are mosaics of four, until `plain_share` of the epochs is left"""
    plain_share: float = 0.2
    scale: tuple[float, float] = (0.7, 1.4)
    flip: float = 0.5
    color: float = 0.1
    box_weight: float = 5.0
    bf16: bool = True


@dataclass(frozen=True)
class RunConfig:
    """A training run, as it is stored in checkpoints and in the lineage."""

    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)

    def to_json(self) -> dict[str, Any]:
        """Plain values only, for JSON and checkpoints."""
        return asdict(self)

    @staticmethod
    def from_json(value: dict[str, Any]) -> RunConfig:
        """The inverse of `to_json`; unknown names are refused by the constructors."""
        return RunConfig(model=ModelConfig(**_tuples(value["model"])), train=TrainConfig(**_tuples(value["train"])))

    def with_train(self, **changes: Any) -> RunConfig:  # noqa: ANN401 - values of TrainConfig's own fields
        """A copy with some training settings replaced."""
        return replace(self, train=replace(self.train, **changes))


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
