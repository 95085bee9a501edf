"""Statistics of a model's float activations on images: minimum, maximum and histogram of each."""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto

from .errors import OpError
from .files import write_atomic
from .graph import infer_shapes
from .request import Report, ignore
from .sessions import open_session, run_images, with_outputs

BINS = 4096


@dataclass(frozen=True)
class TensorStatistics:
    """Minimum, maximum and counts of `BINS` equal bins between them."""

    low: float
    high: float
    counts: NDArray[np.int64]


Statistics = dict[str, TensorStatistics]


def model_digest(model: ModelProto) -> str:
    """SHA-256 of the model that statistics belong to."""
    return hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest()


def float_activations(model: ModelProto) -> list[str]:
    """Float tensors that nodes compute, in graph order."""
    shapes = infer_shapes(model)
    names = [name for node in model.graph.node for name in node.output if name]
    return [name for name in names if shapes.get(name, (0, []))[0] == TensorProto.FLOAT]


def collect(model: ModelProto, images: NDArray[np.uint8], report: Report = ignore) -> Statistics:
    """Statistics of every float activation over all images; runs them twice, so that the bins fit."""
    names = float_activations(model)
    session = open_session(with_outputs(model, names), optimize=False)
    low, high = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    total = 2 * len(images)
    for done, values in enumerate(run_images(session, images), 1):
        low = np.minimum(low, [value.min() for value in values])
        high = np.maximum(high, [value.max() for value in values])
        report(done, total)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        bad = names[int(np.argmin(np.isfinite(low) & np.isfinite(high)))]
        raise OpError("bad-model", f"{bad} is not finite on the images")
    counts = np.zeros((len(names), BINS), np.int64)
    for done, values in enumerate(run_images(session, images), len(images) + 1):
        for index, value in enumerate(values):
            counts[index] += _histogram(value, low[index], high[index])
        report(done, total)
    return {name: TensorStatistics(float(low[i]), float(high[i]), counts[i]) for i, name in enumerate(names)}


def _histogram(value: NDArray[np.float32], low: float, high: float) -> NDArray[np.int64]:
    # numpy.histogram takes ten times as long
    width = (high - low) / BINS or 1.0
    bins = ((value.ravel() - np.float32(low)) * np.float32(1 / width)).astype(np.int32)
    return np.bincount(np.clip(bins, 0, BINS - 1), minlength=BINS)


def save(path: Path, statistics: Statistics, digest: str) -> None:
    """Writes statistics of the model with this digest."""
    index = json.dumps({"model": digest, "names": list(statistics)})
    write_atomic(
        path,
        lambda file: np.savez_compressed(
            file,
            index=np.frombuffer(index.encode(), np.uint8),
            low=np.array([item.low for item in statistics.values()]),
            high=np.array([item.high for item in statistics.values()]),
            counts=np.array([item.counts for item in statistics.values()]),
        ),
    )


def load(path: Path, digest: str) -> Statistics:
    """Reads what `save` wrote; OpError if it is damaged or from another model."""
    try:
        with np.load(path) as data:
            index = json.loads(data["index"].tobytes())
            low, high, counts = data["low"], data["high"], data["counts"]
    except (ValueError, KeyError, TypeError, EOFError, BadZipFile, zlib.error) as error:
        raise OpError("unsupported", f"{path} contains no statistics: calibrate again") from error
    if index["model"] != digest:
        raise OpError("unsupported", f"{path} belongs to another model: calibrate this one")
    return {name: TensorStatistics(float(low[i]), float(high[i]), counts[i]) for i, name in enumerate(index["names"])}
