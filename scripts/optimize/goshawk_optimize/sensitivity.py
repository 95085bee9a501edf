"""How much the outputs change with only one layer in 8 bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from .graph import infer_shapes
from .layers import Layer, Network
from .quantize import insert_qdq
from .ranges import Range
from .request import Report, ignore
from .sessions import open_session, run_images


@dataclass(frozen=True)
class LayerError:
    """Root mean square error of all outputs, each relative to its own root mean square."""

    layer: Layer
    error: float
    parameters: int
    output_shape: list[int | None]


def measure_layers(
    model: ModelProto,
    ranges: dict[str, Range],
    images: NDArray[np.uint8],
    *,
    op_types: str = "conv",
    per_channel: bool = True,
    target: str = "cpu",
    saturation_free: bool = False,
    report: Report = ignore,
) -> list[LayerError]:
    """One error for each layer, in graph order."""
    network = Network(model)
    shapes = infer_shapes(model)
    exact = [[value.astype(np.float64) for value in values] for values in run_images(open_session(model), images)]
    found = []
    for done, layer in enumerate(network.layers, 1):
        nodes = [layer.name]
        if op_types == "all" or (layer.activation and layer.activation[0].op_type in ("Relu", "Clip")):
            nodes += [node.name for node in layer.activation]
        quantized = insert_qdq(
            model, dict(ranges), nodes, per_channel=per_channel, target=target, saturation_free=saturation_free
        )
        session = open_session(quantized)
        wrong = np.zeros(len(exact[0]))
        whole = np.zeros(len(exact[0]))
        for values, truth in zip(run_images(session, images), exact, strict=True):
            wrong += [float(((a - b) ** 2).sum()) for a, b in zip(values, truth, strict=True)]
            whole += [float((b**2).sum()) for b in truth]
        error = float(np.sqrt(np.mean(wrong / np.maximum(whole, 1e-30))))
        found.append(LayerError(layer, error, network.parameters(layer), shapes[layer.output][1]))
        report(done, len(network.layers))
    return found
