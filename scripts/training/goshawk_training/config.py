"""Settings: the shape of the network and how it is trained."""

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
"""The default family. `baseline` (3.6 M parameters) is the start of pruning and the reference for speed."""


@dataclass(frozen=True)
class TrainConfig:
    """Everything that affects the weights besides the data and the model's shape."""

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
    """share of training images that are mosaics of four, until `plain_share` of the epochs is left"""
    plain_share: float = 0.2
    scale: tuple[float, float] = (0.7, 1.4)
    unscaled: float = 0.5
    """share of images that keep their scale: resizing blurs the smallest objects, and takes time"""
    flip: float = 0.5
    color: float = 0.1
    box_weight: float = 5.0
    bf16: bool = True
    max_seconds: float = 0.0
    """a time box instead of `epochs`: schedules follow its elapsed share. 0: none"""
    resident: bool = False
    """keep the scenes in device memory and draw batches there, see resident.py"""


@dataclass(frozen=True)
class PruneConfig:
    """How channels are removed while training continues."""

    sparsity_initial: float = 0.5
    sparsity_final: float = 0.9
    """removed share of `measure`, at the first and at the last pruning step"""
    sparsity_steps: int = 8
    """pruning steps; 0 removes no channels"""
    prune_share: float = 0.5
    """the first pruning step comes before the first update, the last one after this share of the stage"""
    measure: str = "macs"
    """what sparsity counts: `macs` (multiply-adds per image) or `parameters`"""
    importance: str = "taylor"
    """`taylor`, `l2` or `bn`, see importance.py"""
    importance_batches: int = 12
    """batches for each measurement of `taylor`"""
    cost_power: float = 1.0
    """blocks of channels are ranked by importance / cost ** cost_power; 0: by importance alone"""
    element_cost: float = 0.0
    """multiply-adds that reading or writing one activation counts as when costs are compared (not for sparsity): memory
    traffic dominates the cost of high-resolution layers"""
    channel_multiple: int = 8
    """widths stay multiples of this, which vector instructions of int8 kernels process at a time"""
    least_share: float = 0.125
    """minimum share of channels that a layer keeps"""
    two_four: bool = False
    """2:4 sparsity of what is left: of every four weights along the input channels, two are zero"""


@dataclass(frozen=True)
class DistillConfig:
    """How much to learn from a teacher instead of from the boxes."""

    teacher: str
    """sha256 of the teacher's checkpoint"""
    temperature: float = 4.0
    alpha: float = 0.7
    """weight of the teacher in the loss of classes"""
    objectness: float = 0.5
    """weight of the teacher in the loss of objectness"""
    box: float = 1.0
    """weight of the overlap with the teacher's boxes; `box_weight` is that for the true ones"""
    data: str | None = None
    """sha256 of the store that the teacher saw, if it is not the student's"""
    live: bool = False
    """also ask the teacher about images that its cache does not have; otherwise only their boxes count"""


@dataclass(frozen=True)
class QatConfig:
    """How quantization is simulated during fine-tuning."""

    calibration_batches: int = 16
    """batches for measuring the activation ranges before the first update"""
    learned: bool = True
    """ranges are learned (LSQ); otherwise they are moving averages of the batches' maxima"""
    range_rate: float = 1.0
    """learning rate of the ranges' logarithms relative to that of the weights"""
    freeze_share: float = 0.8
    """ranges are frozen after this share of the stage"""
    predictions: bool = False
    """the prediction layers are quantized too; otherwise they stay in float"""


@dataclass(frozen=True)
class RunConfig:
    """A training run, as stored in checkpoints and in the lineage."""

    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    parent: str | None = None
    """sha256 of the checkpoint that the weights come from; None: from the seed"""
    prune: PruneConfig | None = None
    distill: DistillConfig | None = None
    qat: QatConfig | None = None

    @property
    def stage(self) -> str:
        """The stage's name in a lineage."""
        if self.qat is not None:
            return "qat"
        if self.prune is not None:
            return "prune"
        return "train" if self.distill is None else "distill"

    def to_json(self) -> dict[str, Any]:
        """Plain values only, for JSON and checkpoints."""
        return asdict(self)

    @staticmethod
    def from_json(value: dict[str, Any]) -> RunConfig:
        """The inverse of `to_json`; unknown names are refused by the constructors."""
        return RunConfig(
            model=ModelConfig(**_tuples(value["model"])),
            train=TrainConfig(**_tuples(value["train"])),
            parent=value.get("parent"),
            prune=PruneConfig(**value["prune"]) if value.get("prune") else None,
            distill=DistillConfig(**value["distill"]) if value.get("distill") else None,
            qat=QatConfig(**value["qat"]) if value.get("qat") else None,
        )

    def with_train(self, **changes: Any) -> RunConfig:  # noqa: ANN401 - values of TrainConfig's own fields
        """A copy with some training settings replaced."""
        return replace(self, train=replace(self.train, **changes))


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
