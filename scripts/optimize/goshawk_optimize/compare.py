"""The difference between the outputs of two models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from .graph import image_input
from .sessions import open_session, run_images


@dataclass(frozen=True)
class Difference:
    """Largest |a - b| and largest |a - b| / (1 + |a|) over all outputs."""

    absolute: float
    relative: float


def random_images(model: ModelProto, count: int = 2) -> NDArray[np.uint8]:
    """Noise of the model's input size; always the same."""
    _, height, width = image_input(model)
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), np.uint8)


def compare(before: ModelProto, after: ModelProto, images: NDArray[np.uint8]) -> Difference:
    """Runs both on every image. Outputs of different shapes, or finite in only one model, differ infinitely."""
    absolute = relative = 0.0
    first, second = open_session(before), open_session(after)
    for a, b in zip(run_images(first, images), run_images(second, images), strict=True):
        for x, y in zip(a, b, strict=True):
            if x.shape != y.shape:
                return Difference(np.inf, np.inf)
            gap = _gap(x.astype(np.float64), y.astype(np.float64))
            absolute = max(absolute, float(gap.max(initial=0)))
            scale = 1 + np.abs(np.where(np.isfinite(x), x, 0).astype(np.float64))
            relative = max(relative, float((gap / scale).max(initial=0)))
    return Difference(absolute, relative)


def _gap(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    same = (x == y) | (np.isnan(x) & np.isnan(y))
    finite = np.isfinite(x) & np.isfinite(y)
    return np.where(same, 0, np.abs(np.subtract(x, y, out=np.full(x.shape, np.inf), where=finite)))
