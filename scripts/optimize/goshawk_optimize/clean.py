"""Graph clean-up that leaves the outputs as they are."""

from __future__ import annotations

import onnx.version_converter
import onnxslim
from onnx import ModelProto

from .errors import OpError
from .graph import normalize, opset

OPSET = 17
"""From 13 on there are weights quantized per channel; every ONNX Runtime of this decade runs 17."""


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


def slim(model: ModelProto) -> ModelProto:
    """Folds constants and batch norms, drops dead nodes and merges equal ones; operator set 17 at least."""
    cleaned = onnxslim.slim(raise_opset(model))
    normalize(cleaned)
    return cleaned
