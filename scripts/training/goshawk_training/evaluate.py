"""Average precision of a network on a store, with pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from .augment import letterboxed
from .config import LABELS, ModelConfig
from .data import SceneStore
from .device import no_kernel_search
from .model import Detector, cell_grid, decode_boxes

SCORE_FLOOR = 0.01
NMS_IOU = 0.65
MAX_BOXES = 300
BATCH = 10

Predictor = Callable[[np.ndarray], np.ndarray]
"""Images [B, 3, H, W] float32 0..255 to [B, N, 5 + C]: raw boxes, objectness and classes 0..1."""


@dataclass(frozen=True)
class Evaluation:
    """Average precision as defined by COCO; classes and sizes without objects are omitted."""

    ap: float
    ap50: float
    images: int
    ap50_by_class: dict[str, float] = field(default_factory=dict)
    ap50_by_size: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Rounded to four digits."""
        by_class = {k: round(v, 4) for k, v in self.ap50_by_class.items()}
        by_size = {k: round(v, 4) for k, v in self.ap50_by_size.items()}
        return {
            "ap": round(self.ap, 4),
            "ap50": round(self.ap50, 4),
            "images": self.images,
            "ap50ByClass": by_class,
            "ap50BySize": by_size,
        }

    def summary(self) -> str:
        """A one-line summary."""
        classes = " ".join(f"{name} {value:.2f}" for name, value in self.ap50_by_class.items())
        sizes = " ".join(f"{name} {value:.2f}" for name, value in self.ap50_by_size.items())
        return f"AP {self.ap:.4f} AP50 {self.ap50:.4f} on {self.images} scenes ({classes}; {sizes})"


def evaluate_model(model: Detector, store: SceneStore) -> Evaluation:
    """Evaluates a torch network in float32, on its device."""
    device = next(model.parameters()).device

    @torch.inference_mode()
    def predict(images: np.ndarray) -> np.ndarray:
        with no_kernel_search():
            raw = model(torch.from_numpy(images).to(device, memory_format=torch.channels_last))
        raw[..., 4:] = raw[..., 4:].sigmoid()
        return raw.cpu().numpy()

    return evaluate(predict, model.config, store)


def evaluate_onnx(
    path: Path, store: SceneStore, config: ModelConfig, options: onnxruntime.SessionOptions | None = None
) -> Evaluation:
    """Evaluates an exported file in ONNX Runtime."""
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def predict(images: np.ndarray) -> np.ndarray:
        return np.concatenate([session.run(None, {name: image[None]})[0] for image in images])

    return evaluate(predict, config, store)


def evaluate(predict: Predictor, config: ModelConfig, store: SceneStore) -> Evaluation:
    """Runs the network over the store and compares; sizes are in pixels of the simulator's original images."""
    to_source = float(store.meta.get("sourceWidth", store.width)) / store.width
    to_store = 1 / min(config.input_width / store.width, config.input_height / store.height)
    corners, strides = cell_grid(config)
    truth: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for begin in range(0, len(store), BATCH):
        indices = range(begin, min(begin + BATCH, len(store)))
        scenes = [store[i] for i in indices]
        boxed = np.stack([letterboxed(s, config).image for s in scenes]).transpose(0, 3, 1, 2)
        output = predict(np.ascontiguousarray(boxed, np.float32))
        boxes = decode_boxes(torch.from_numpy(output[..., :4]), corners, strides).numpy() * to_store
        for index, scene, image_boxes, scores in zip(indices, scenes, boxes, output[..., 4:], strict=True):
            limits = np.array([store.width, store.height] * 2, np.float32)
            kept, kept_scores, kept_classes = select(image_boxes.clip(0, limits), scores)
            found += _coco_entries(index, kept * to_source, kept_classes, kept_scores)
            truth += _coco_entries(index, scene.boxes * to_source, scene.classes, None)
    return _score(truth, found, len(store), config.classes)


def select(boxes: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Best class of each cell above the floor, then non-maximum suppression by class: boxes, scores, classes."""
    classes = scores[:, 1:].argmax(1)
    best = scores[:, 0] * scores[np.arange(len(scores)), 1 + classes]
    order = np.flatnonzero(best > SCORE_FLOOR)
    order = order[np.argsort(-best[order], kind="stable")]
    boxes, best, classes = boxes[order], best[order], classes[order]
    alive = np.ones(len(order), bool)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for i in range(len(order)):
        if not alive[i]:
            continue
        low, high = np.maximum(boxes[i, :2], boxes[i + 1 :, :2]), np.minimum(boxes[i, 2:], boxes[i + 1 :, 2:])
        overlap = (high - low).clip(min=0).prod(1)
        union = area[i] + area[i + 1 :] - overlap
        alive[i + 1 :] &= (overlap <= NMS_IOU * union) | (classes[i + 1 :] != classes[i])
    kept = np.flatnonzero(alive)[:MAX_BOXES]
    return boxes[kept], best[kept], classes[kept]


def _coco_entries(
    image: int, boxes: np.ndarray, classes: np.ndarray, scores: np.ndarray | None
) -> list[dict[str, Any]]:
    entries = []
    for row, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
        entry: dict[str, Any] = {
            "image_id": image + 1,
            "category_id": int(classes[row]) + 1,
            "bbox": [x1, y1, x2 - x1, y2 - y1],
        }
        if scores is not None:
            entry["score"] = float(scores[row])
        entries.append(entry)
    return entries


def _score(truth: list[dict[str, Any]], found: list[dict[str, Any]], images: int, classes: int) -> Evaluation:
    if not found:
        return Evaluation(0.0, 0.0, images)
    names = [LABELS[i] if i < len(LABELS) else str(i) for i in range(classes)]
    for number, entry in enumerate(truth):
        width, height = entry["bbox"][2:]
        entry.update(id=number + 1, area=width * height, iscrowd=0)
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO()
        reference.dataset = {
            "images": [{"id": i + 1} for i in range(images)],
            "annotations": truth,
            "categories": [{"id": i + 1, "name": name} for i, name in enumerate(names)],
        }
        reference.createIndex()
        judge = COCOeval(reference, reference.loadRes(found), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    at50 = judge.eval["precision"][0, :, :, :, -1]
    by_class = {name: _mean(at50[:, i, 0]) for i, name in enumerate(names)}
    by_size = {name: _mean(at50[:, :, i]) for i, name in enumerate(("all", "small", "medium", "large")) if i > 0}
    return Evaluation(
        float(judge.stats[0]),
        float(judge.stats[1]),
        images,
        {k: v for k, v in by_class.items() if v is not None},
        {k: v for k, v in by_size.items() if v is not None},
    )


def _mean(precision: np.ndarray) -> float | None:
    valid = precision[precision > -1]
    return float(valid.mean()) if valid.size else None
