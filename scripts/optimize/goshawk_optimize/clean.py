"""Graph clean-up that leaves the outputs as they are."""

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
"""From 13 on there are weights quantized per channel; every ONNX Runtime of this decade runs 17."""

TOLERANCE = 1e-3
"""Largest |a - b| / (1 + |a|) of an output that rounding in another order explains."""


@dataclass(frozen=True)
class Cleaned:
    """A model, what was done to it in words, and how far its outputs are from those of the model before."""

    model: ModelProto
    steps: list[str]
    difference: Difference


def clean_up(model: ModelProto, pictures: NDArray[np.uint8]) -> Cleaned:
    """Folds, prunes and rewrites. Each step is tried on the pictures and left out where it changes what comes out."""
    folded = slim(model)
    difference = compare(model, folded, pictures)
    if difference.relative > TOLERANCE:
        steps = [f"onnxslim left out: outputs would differ by {difference.relative:.1e}"]
        folded = raise_opset(model)
    else:
        steps = ["constants and batch norms folded, dead and repeated nodes removed (onnxslim)"]
    return rewrite(model, folded, steps, EXACT, pictures)


def rewrite(
    original: ModelProto,
    model: ModelProto,
    steps: list[str],
    rewrites: Mapping[str, Rewrite],
    pictures: NDArray[np.uint8],
) -> Cleaned:
    """Applies exact rewrites to `model`, one after the other, and holds each against `original` on the pictures."""
    difference = compare(original, model, pictures)
    for name, change in rewrites.items():
        tried = ModelProto()
        tried.CopyFrom(model)
        count = change(tried)
        if count == 0:
            continue
        found = compare(original, tried, pictures)
        if found.relative > TOLERANCE:
            steps.append(f"left out: {name}: outputs would differ by {found.relative:.1e}")
            continue
        del tried.graph.value_info[:]
        model, difference = tried, found
        steps.append(f"{name} ({count})")
    return Cleaned(model, steps, difference)


def slim(model: ModelProto) -> ModelProto:
    """Folds constants and batch norms, drops dead nodes and merges equal ones; operator set 17 at least."""
    try:
        cleaned = onnxslim.slim(raise_opset(model))
    except (RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise OpError("bad-model", f"onnxslim cannot read the graph: {error}") from error
    normalize(cleaned)
    return cleaned


def raise_opset(model: ModelProto) -> ModelProto:
    """The model in operator set 17 where its own is older."""
    if opset(model) >= OPSET:
        return model
    try:
        raised = onnx.version_converter.convert_version(model, OPSET)
    except Exception as error:
        raise OpError("bad-model", f"operator set {opset(model)} cannot be raised to {OPSET}: {error}") from error
    normalize(raised)
    return raised
