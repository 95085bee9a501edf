"""Graph clean-up that does not change the outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx.version_converter
import onnxslim
from numpy.typing import NDArray
from onnx import ModelProto

from .compare import Difference, compare
from .errors import OpError
from .graph import normalize, opset
from .rewrites import EXACT, Rewrite

OPSET = 17
"""Per-channel quantized weights need 13; every ONNX Runtime of this decade runs 17."""

TOLERANCE = 1e-3
"""Largest |a - b| / (1 + |a|) of an output that another rounding order explains."""


@dataclass(frozen=True)
class Cleaned:
    """A model, a description of the changes, and how far its outputs are from those of the original."""

    model: ModelProto
    steps: list[str]
    difference: Difference


def clean_up(model: ModelProto, images: NDArray[np.uint8]) -> Cleaned:
    """Folds, prunes and rewrites. Each step is tried on the images and skipped if it changes the outputs."""
    folded = slim(model)
    difference = compare(model, folded, images)
    if difference.relative > TOLERANCE:
        steps = [f"onnxslim left out: outputs would differ by {difference.relative:.1e}"]
        folded = raise_opset(model)
    else:
        steps = ["constants and batch norms folded, dead and repeated nodes removed (onnxslim)"]
    return rewrite(model, folded, steps, EXACT, images)


def rewrite(
    original: ModelProto,
    model: ModelProto,
    steps: list[str],
    rewrites: Mapping[str, Rewrite],
    images: NDArray[np.uint8],
) -> Cleaned:
    """Applies exact rewrites to `model` one after the other, and compares each with `original` on the images."""
    difference = compare(original, model, images)
    for name, change in rewrites.items():
        tried = ModelProto()
        tried.CopyFrom(model)
        count = change(tried)
        if count == 0:
            continue
        found = compare(original, tried, images)
        if found.relative > TOLERANCE:
            steps.append(f"left out: {name}: outputs would differ by {found.relative:.1e}")
            continue
        del tried.graph.value_info[:]
        model, difference = tried, found
        steps.append(f"{name} ({count})")
    return Cleaned(model, steps, difference)


def slim(model: ModelProto) -> ModelProto:
    """Folds constants and batch norms, drops dead nodes and merges equal ones; at least operator set 17."""
    try:
        cleaned = onnxslim.slim(raise_opset(model))
    except (RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise OpError("bad-model", f"onnxslim cannot read the graph: {error}") from error
    normalize(cleaned)
    return cleaned


def raise_opset(model: ModelProto) -> ModelProto:
    """The model in operator set 17, if its own is older."""
    if opset(model) >= OPSET:
        return model
    try:
        raised = onnx.version_converter.convert_version(model, OPSET)
    except Exception as error:
        raise OpError("bad-model", f"operator set {opset(model)} cannot be raised to {OPSET}: {error}") from error
    normalize(raised)
    return raised
