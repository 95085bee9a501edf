"""From statistics to the range that 8 bits stand for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from .graph import Graph
from .statistics import BINS, TensorStatistics

Range = tuple[float, float]

LEVELS = 256


def pixels(model: ModelProto) -> dict[str, Range]:
    """Ranges of pictures that were only cast: what a byte holds, whatever the pictures show."""
    graph = Graph(model.graph)
    casts = [node for node in model.graph.node if node.op_type == "Cast"]
    return {node.output[0]: (0.0, 255.0) for node in casts if is_picture(graph, node.input[0])}


def is_picture(graph: Graph, name: str) -> bool:
    """True for the uint8 input and its transposition."""
    maker = graph.producer.get(name)
    if maker is None:
        return any(value.name == name for value in graph.proto.input)
    return maker.op_type == "Transpose" and is_picture(graph, maker.input[0])


def minmax(statistics: TensorStatistics) -> Range:
    """All of it."""
    return statistics.low, statistics.high


def percentile(statistics: TensorStatistics, percent: float) -> Range:
    """The middle `percent` of the values, half of the rest cut on each side; interpolated inside of a bin."""
    shares = np.concatenate(([0.0], np.cumsum(statistics.counts) / max(1, statistics.counts.sum())))
    edges = np.linspace(statistics.low, statistics.high, BINS + 1)
    cut = (100 - percent) / 200
    return _quantile(shares, edges, cut), -_quantile(1 - shares[::-1], -edges[::-1], cut)


def _quantile(shares: NDArray[np.float64], edges: NDArray[np.float64], share: float) -> float:
    """The edge below which `share` of the values lie."""
    index = int(np.clip(np.searchsorted(shares, share, side="right") - 1, 0, len(shares) - 2))
    inside = shares[index + 1] - shares[index]
    part = (share - shares[index]) / inside if inside > 0 else 0.0
    return float(edges[index] + np.clip(part, 0, 1) * (edges[index + 1] - edges[index]))
