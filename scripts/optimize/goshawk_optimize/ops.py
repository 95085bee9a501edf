"""One function for each op of the protocol."""

from __future__ import annotations

import json
import platform
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.float16 import convert_float_to_float16

from . import statistics
from .bias import correct_biases
from .clean import Cleaned, clean_up, rewrite
from .compare import random_images
from .equalize import equalize
from .errors import OpError
from .files import write_model
from .graph import load_model, normalize
from .layers import Network
from .quantize import OP_TYPES, TARGETS, insert_qdq, place
from .ranges import METHODS, Range, choose_ranges, method_of
from .request import Report, Request
from .rewrites import FLOAT_ONLY
from .sensitivity import measure_layers
from .sessions import open_session
from .statistics import Statistics
from .stem import widen_stem
from .storage import pack_halves, pack_weights

Answer = dict[str, Any]

RANGES_KEY = "goshawk.activation_ranges"
"""Metadata of a model trained for 8 bits: JSON {tensor: [low, high]}."""


def hello(request: Request, report: Report) -> Answer:
    """Versions of everything that affects the results."""
    packages = ("numpy", "onnx", "onnxruntime", "onnxslim")
    return {"versions": {"python": platform.python_version(), **{name: version(name) for name in packages}}}


def clean(request: Request, report: Report) -> Answer:
    """Folds, prunes and rewrites a graph without changing its outputs."""
    model = load_model(request.path("model"))
    return _cleaned(request, model, clean_up(model, _images(request, model)))


def polish(request: Request, report: Report) -> Answer:
    """Exact rewrites that only make sense for a float graph."""
    model = load_model(request.path("model"))
    return _cleaned(request, model, rewrite(model, model, [], FLOAT_ONLY, _images(request, model)))


def _images(request: Request, model: ModelProto) -> NDArray[np.uint8]:
    noise = random_images(model)
    return np.concatenate([noise, request.images()]) if request.has("pictures") else noise


def _cleaned(request: Request, before: ModelProto, cleaned: Cleaned) -> Answer:
    batch = cleaned.model.graph.input[0].type.tensor_type.shape.dim[0]
    return {
        "steps": cleaned.steps,
        "nodesBefore": len(before.graph.node),
        "nodesAfter": len(cleaned.model.graph.node),
        "dynamicBatch": not batch.HasField("dim_value"),
        "maxAbsDifference": cleaned.difference.absolute,
        "maxRelativeDifference": cleaned.difference.relative,
        "bytes": write_model(request.path("out"), cleaned.model),
    }


def calibrate(request: Request, report: Report) -> Answer:
    """Writes statistics of the activations."""
    model, out = load_model(request.path("model")), request.path("out")
    collected = statistics.collect(model, request.images(), report)
    statistics.save(out, collected, statistics.model_digest(model))
    return {"tensors": len(collected)}


def sensitivity(request: Request, report: Report) -> Answer:
    """Output error with only one layer in 8 bits, for each layer."""
    model = load_model(request.path("model"))
    scheme = request.part("scheme")
    errors = measure_layers(
        model,
        _ranges(request, scheme, model, None),
        request.images(),
        op_types=scheme.choice("opTypes", OP_TYPES, "conv"),
        per_channel=scheme.flag("perChannel", True),
        target=scheme.choice("target", TARGETS, "cpu"),
        saturation_free=scheme.flag("saturationFree"),
        report=report,
    )
    return {
        "layers": [
            {
                "node": item.layer.name,
                "opType": item.layer.conv.op_type,
                "error": item.error,
                "parameters": item.parameters,
                "outputShape": [dim if dim is not None else -1 for dim in item.output_shape],
            }
            for item in errors
        ]
    }


def quantize(request: Request, report: Report) -> Answer:
    """Writes the model with int8 as the scheme specifies."""
    model, out = load_model(request.path("model")), request.path("out")
    scheme = request.part("scheme")
    collected = None
    if scheme.flag("equalize") and equalize(model):
        # other channels, other ranges
        collected = _collect_once(model, request, report)
    ranges = _ranges(request, scheme, model, collected)
    placement = place(Network(model), scheme.choice("opTypes", OP_TYPES, "conv"), scheme.texts("keepFloat"))
    target = scheme.choice("target", TARGETS, "cpu")
    result = insert_qdq(
        model,
        ranges,
        placement.quantized,
        per_channel=scheme.flag("perChannel", True),
        target=target,
        saturation_free=scheme.flag("saturationFree"),
    )
    if scheme.flag("biasCorrection"):
        correct_biases(model, result, placement.quantized, request.images(), report)
    if target == "cpu":
        widen_stem(result)
    if scheme.flag("packFloat"):
        pack_weights(result, set(), scheme.flag("perChannel", True))
    open_session(result)
    written = write_model(out, result)
    return {"bytes": written, "quantized": placement.quantized, "float": placement.kept}


_collected: dict[tuple[str, str, int], Statistics] = {}


def _collect_once(model: ModelProto, request: Request, report: Report) -> Statistics:
    """Statistics of an equalized model, cached: a search needs those of one model many times in a row."""
    key = (statistics.model_digest(model), request.text("pictures"), request.integer("count"))
    if key not in _collected:
        _collected.clear()
        _collected[key] = statistics.collect(model, request.images(), report)
    return _collected[key]


def _ranges(request: Request, scheme: Request, model: ModelProto, collected: Statistics | None) -> dict[str, Range]:
    network = Network(model)
    if scheme.choice("calibration", METHODS) == "trained":
        kept = {entry.key: entry.value for entry in model.metadata_props}.get(RANGES_KEY)
        if kept is None:
            raise OpError("unsupported", f"the model has no {RANGES_KEY}: only training for 8 bits writes them")
        found: Statistics = {}
        try:
            trained = {name: (float(low), float(high)) for name, (low, high) in json.loads(kept).items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise OpError("bad-model", f"{RANGES_KEY} of the model cannot be read: {error}") from error
        return {**choose_ranges(network, found, lambda item: (item.low, item.high)), **trained}
    if collected is None:
        collected = statistics.load(request.path("statistics"), statistics.model_digest(model))
    return choose_ranges(network, collected, method_of(scheme))


def weights(request: Request, report: Report) -> Answer:
    """Writes the model with only its weights in fewer bits; it computes in float as before."""
    model, out = load_model(request.path("model")), request.path("out")
    scheme = request.part("scheme")
    kept = set(scheme.texts("keepFloat"))
    exact = ModelProto()
    exact.CopyFrom(model)
    if scheme.choice("storage", ("int8", "half"), "int8") == "half":
        packed = pack_halves(model, kept)
    else:
        packed = pack_weights(model, kept, scheme.flag("perChannel", True))
        if scheme.flag("biasCorrection"):
            correct_biases(exact, model, packed, request.images(), report)
    written = write_model(out, model)
    names = [node.name for node in exact.graph.node]
    return {"bytes": written, "quantized": packed, "float": [name for name in names if name not in set(packed)]}


def dynamic(request: Request, report: Report) -> Answer:
    """Writes the model with int8 weights and activations that are quantized for each image.

    With `saturationFree`, weights have 7 bits.
    """
    model = load_model(request.path("model"))
    names = [layer.name for layer in Network(model).layers]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "dynamic.onnx"
        quantize_dynamic(
            model,
            file,
            per_channel=True,
            reduce_range=request.flag("saturationFree"),
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["Conv", "MatMul", "Gemm"],
        )
        result = onnx.load(file)
    open_session(result)
    written = write_model(request.path("out"), result)
    others = [node.name for node in model.graph.node if node.name not in set(names)]
    return {"bytes": written, "quantized": names, "float": others}


def half(request: Request, report: Report) -> Answer:
    """Writes the model with half floats inside and unchanged inputs and outputs."""
    model = load_model(request.path("model"))
    result = convert_float_to_float16(model, keep_io_types=True)
    normalize(result)
    return {"bytes": write_model(request.path("out"), result)}
