"""Ultralytics' exporter and predictor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import ultralytics
from torch import nn
from ultralytics import RTDETR, YOLO

from .boxes import Box
from .case import Case, Exported, Limits, Workbench
from .random_weights import SEED, read, settle, spread, varied

EXPORTER = f"Ultralytics {ultralytics.__version__}"

PASSING = 5e-4
"""share of cell scores that pass"""

NETWORKS: list[tuple[str, dict[str, Any]]] = [
    ("yolov5n", {}),
    ("yolov6n", {}),
    ("yolov8n", {}),
    ("yolov8n-p2", {}),
    ("yolov8n-p6", {}),
    ("yolov9t", {}),
    ("yolov10n", {"nms": False}),
    ("yolov10n", {}),
    ("yolo11n", {}),
    ("yolo11n", {"dynamic": True}),
    ("yolo11n", {"quantize": 16}),
    ("yolo11n", {"nms": True}),
    ("yolo11n", {"opset": 12, "simplify": False}),
    ("yolo11n", {"imgsz": [256, 384]}),
    ("yolo12n", {}),
    ("yolo26n", {"nms": False}),
    ("yolo26n", {}),
    ("yolo26n", {"nms": False, "dynamic": True}),
    ("rtdetr-l", {}),
    ("yolo11n-pose", {}),
    ("yolo11n-obb", {}),
    ("yolo11n-seg", {}),
]


def cases() -> list[Case]:
    """One for each network and its export options."""
    return [
        Case(name, _words(options), lambda bench, n=name, o=options: _export(n, o, bench)) for name, options in NETWORKS
    ]


def _words(options: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}".replace(" ", "") for key, value in options.items()) or "defaults"


def _export(network: str, options: dict[str, Any], bench: Workbench) -> Exported:
    height, width = options.get("imgsz", [320, 320])
    images = bench.images(width, height)
    make = RTDETR if network.startswith("rtdetr") else YOLO
    torch.manual_seed(SEED)
    model = make(f"{network}.yaml")
    _randomize(model.model, read(images))
    # another name, since Ultralytics downloads checkpoints whose names it knows
    checkpoint = bench.folder / f"random-{bench.name}.pt"
    model.save(str(checkpoint))
    file = Path(make(str(checkpoint)).export(format="onnx", **{"imgsz": [height, width], **options}))
    limits = Limits()
    own = _predict(make(str(checkpoint)), images, limits, [height, width], options.get("nms"))
    return Exported(file, images, own, limits)


def _randomize(network: nn.Module, images: torch.Tensor) -> None:
    settle(network, varied(images))
    classes = network.yaml["nc"]
    layers = [module for name, module in network.named_modules() if _scores_classes(name, module, classes)]
    spread(layers, lambda: network(images), PASSING)


def _scores_classes(name: str, module: nn.Module, classes: int) -> bool:
    if isinstance(module, nn.Conv2d):
        return module.out_channels == classes and "cv3" in name and module.bias is not None
    return isinstance(module, nn.Linear) and module.out_features == classes and "score_head" in name


def _predict(
    model: Any,  # noqa: ANN401 - Ultralytics' classes have no common type
    images: list[Path],
    limits: Limits,
    size: list[int],
    nms: bool | None,
) -> list[list[Box]]:
    """The detections of its own predictor, in float32."""
    found = []
    for image in images:
        options = {"nms": False} if nms is False else {}
        (result,) = model.predict(
            str(image), imgsz=size, conf=limits.score, iou=limits.iou, max_det=300, verbose=False, **options
        )
        boxes = result.boxes
        rows = [] if boxes is None else zip(boxes.xyxy.tolist(), boxes.conf.tolist(), boxes.cls.tolist(), strict=True)
        found.append([Box(tuple(corners), score, int(label)) for corners, score, label in rows])
    return found
