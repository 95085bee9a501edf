"""One function for each op of the protocol."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

from . import ranges, statistics
from .clean import slim
from .compare import compare, random_pictures
from .files import write_model
from .graph import load_model
from .quantize import insert_qdq
from .request import Report, Request

Answer = dict[str, Any]


def hello(request: Request, report: Report) -> Answer:
    """Versions of what decides the results."""
    packages = ("numpy", "onnx", "onnxruntime", "onnxslim")
    return {"versions": {"python": platform.python_version(), **{name: version(name) for name in packages}}}


def clean(request: Request, report: Report) -> Answer:
    """Folds and prunes a graph whose outputs stay the same."""
    model = load_model(request.path("model"))
    cleaned = slim(model)
    pictures = request.pictures() if request.has("pictures") else random_pictures(model)
    difference = compare(model, cleaned, pictures)
    written = write_model(request.path("out"), cleaned)
    batch = cleaned.graph.input[0].type.tensor_type.shape.dim[0]
    return {
        "steps": ["constants and batch norms folded, dead and repeated nodes removed (onnxslim)"],
        "nodesBefore": len(model.graph.node),
        "nodesAfter": len(cleaned.graph.node),
        "dynamicBatch": not batch.HasField("dim_value"),
        "maxAbsDifference": difference.absolute,
        "maxRelativeDifference": difference.relative,
        "bytes": written,
    }


def calibrate(request: Request, report: Report) -> Answer:
    """Writes statistics of the activations."""
    model = load_model(request.path("model"))
    collected = statistics.collect(model, request.pictures(), report)
    statistics.save(request.path("out"), collected, statistics.model_digest(model))
    return {"tensors": len(collected)}


def quantize(request: Request, report: Report) -> Answer:
    """Writes the model with int8 placed as the scheme says."""
    model = load_model(request.path("model"))
    scheme = request.part("scheme")
    collected = statistics.load(request.path("statistics"), statistics.model_digest(model))
    percent = scheme.number("percentile", 99.99)
    method = scheme.choice("calibration", ("minmax", "percentile"))
    found = {
        name: ranges.minmax(item) if method == "minmax" else ranges.percentile(item, percent)
        for name, item in collected.items()
    }
    found.update(ranges.pixels(model))
    kept = set(scheme.texts("keepFloat"))
    nodes = [node.name for node in model.graph.node if node.op_type == "Conv" and node.name not in kept]
    result = insert_qdq(model, found, nodes, scheme.flag("perChannel", True))
    written = write_model(request.path("out"), result)
    return {
        "bytes": written,
        "quantized": nodes,
        "float": [node.name for node in model.graph.node if node.name not in nodes],
    }
