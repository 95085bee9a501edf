"""Turns statistics into the ranges that 8 bits represent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto

from .errors import OpError
from .graph import Graph, attribute
from .layers import Network
from .request import Request
from .statistics import BINS, Statistics, TensorStatistics

Range = tuple[float, float]
Method = Callable[[TensorStatistics], Range]

LEVELS = 256
METHODS = ("minmax", "percentile", "entropy", "mse", "trained")


def method_of(scheme: Request) -> Method:
    """The calibration method of a scheme; not `trained`, whose ranges come with the model."""
    name = scheme.choice("calibration", METHODS)
    percent = scheme.number("percentile", 99.99)
    if not 0 < percent <= 100:
        raise OpError("unsupported", f"percentile of {scheme.place} is {percent}, not above 0 and up to 100")
    methods: dict[str, Method] = {
        "minmax": minmax,
        "percentile": lambda statistics: percentile(statistics, percent),
        "entropy": entropy,
        "mse": least_squares,
    }
    return methods[name]


def minmax(statistics: TensorStatistics) -> Range:
    """The whole range."""
    return statistics.low, statistics.high


def percentile(statistics: TensorStatistics, percent: float) -> Range:
    """The middle `percent` of the values, half of the rest cut on each side; interpolated within a bin."""
    shares = np.concatenate(([0.0], np.cumsum(statistics.counts) / max(1, statistics.counts.sum())))
    edges = np.linspace(statistics.low, statistics.high, BINS + 1)
    cut = (100 - percent) / 200
    return _quantile(shares, edges, cut), -_quantile(1 - shares[::-1], -edges[::-1], cut)


def _quantile(shares: NDArray[np.float64], edges: NDArray[np.float64], share: float) -> float:
    """The value below which `share` of the values are."""
    index = int(np.clip(np.searchsorted(shares, share, side="right") - 1, 0, len(shares) - 2))
    inside = shares[index + 1] - shares[index]
    part = (share - shares[index]) / inside if inside > 0 else 0.0
    return float(edges[index] + np.clip(part, 0, 1) * (edges[index + 1] - edges[index]))


def entropy(statistics: TensorStatistics) -> Range:
    """The range that loses least information by the measure of TensorRT's calibrator (Migacz, GTC 2017).

    Values beyond a range count as its border. The range minimizes the Kullback-Leibler divergence from this to the same
    distribution in `LEVELS` steps. Both ends shrink by the same share; an end at zero stays.
    """
    best, found = np.inf, minmax(statistics)
    counts = statistics.counts.astype(np.float64)
    edges = np.linspace(statistics.low, statistics.high, BINS + 1)
    for share in np.linspace(0.1, 1.0, 91):
        first = int(np.searchsorted(edges, min(0.0, statistics.low * share), side="right")) - 1
        last = int(np.searchsorted(edges, max(0.0, statistics.high * share), side="left"))
        first, last = max(0, first), min(BINS, max(last, first + 1))
        if last - first < LEVELS:
            continue
        inside = counts[first:last]
        clipped = inside.copy()
        clipped[0] += counts[:first].sum()
        clipped[-1] += counts[last:].sum()
        divergence = _divergence(clipped, inside)
        if divergence < best:
            best, found = divergence, (float(edges[first]), float(edges[last]))
    return found


def _divergence(reference: NDArray[np.float64], inside: NDArray[np.float64]) -> float:
    """Divergence of `reference` from `inside`, reduced to `LEVELS` steps and spread evenly over the non-empty bins."""
    level = np.arange(len(inside)) * LEVELS // len(inside)
    filled = inside > 0
    sums = np.bincount(level, inside, LEVELS)
    bins = np.bincount(level, filled, LEVELS)
    spread = np.where(filled, sums[level] / np.maximum(1, bins[level]), 0)
    p, q = reference / reference.sum(), spread / max(1.0, spread.sum())
    both = (p > 0) & (q > 0)
    # bins that get no weight from the steps are effectively lost
    return float((p[both] * np.log(p[both] / q[both])).sum() + p[(p > 0) & ~both].sum() * np.log(LEVELS))


def least_squares(statistics: TensorStatistics) -> Range:
    """The range with the least mean square error of rounding and clipping together."""
    return _search(statistics, lambda values: values, shrink_low=True)


Function = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def _search(statistics: TensorStatistics, seen_through: Function, shrink_low: bool) -> Range:
    """Least mean square error of 8 bits, measured after the function `seen_through`."""
    values = np.linspace(statistics.low, statistics.high, 2 * BINS + 1)[1::2]
    weights = statistics.counts / max(1, statistics.counts.sum())
    used = weights > 0
    values, weights = values[used], weights[used]
    exact = seen_through(values)

    def loss(low: float, high: float) -> float:
        rounded = round_to_levels(values, low, high)
        return float((weights * (seen_through(rounded) - exact) ** 2).sum())

    low, high = min(0.0, statistics.low), max(0.0, statistics.high)
    shares = np.geomspace(0.05, 1.0, 40)
    # one end after the other, since they hardly affect each other
    high = min((high * share for share in shares), key=lambda end: loss(low, end))
    if shrink_low:
        low = min((low * share for share in shares), key=lambda end: loss(end, high))
        high = min((max(0.0, statistics.high) * share for share in shares), key=lambda end: loss(low, end))
    return low, high


def round_to_levels(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Values after quantization to 8 bits with a zero point."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / (LEVELS - 1) or 1.0
    zero = np.clip(np.rint(-low / scale), 0, LEVELS - 1)
    return (np.clip(np.rint(values / scale) + zero, 0, LEVELS - 1) - zero) * scale


def choose_ranges(network: Network, statistics: Statistics, method: Method) -> dict[str, Range]:
    """A range for every float activation, using knowledge of the graph.

    Images span 0..255, sigmoids 0..1. The input of x * sigmoid(x) is cut at the low end where the error **after** the
    product is least: -20 and -8 both become nothing. Values that are only concatenated, pooled or resized keep one
    range throughout, so that bytes are copied instead of requantized.
    """
    ranges = {name: method(item) for name, item in statistics.items()}
    for layer in network.layers:
        if layer.gated and layer.conv.output[0] in statistics:
            name = layer.conv.output[0]
            ranges[name] = (
                _useful_low(statistics[name], gate_of(layer.activation[0]), ranges[name][1]),
                ranges[name][1],
            )
    for node in network.model.graph.node:
        if node.op_type == "Relu" and node.output[0] in ranges:
            ranges[node.output[0]] = (0.0, max(0.0, ranges[node.output[0]][1]))
        if node.op_type in ("Sigmoid", "HardSigmoid"):
            ranges[node.output[0]] = (0.0, 1.0)
    ranges.update(pixels(network.model))
    share_ranges(network, ranges)
    return ranges


def gate_of(node: NodeProto) -> Function:
    """x times the gate that a node computes of x."""
    if node.op_type == "HardSigmoid":
        alpha, beta = attribute(node, "alpha", 0.2), attribute(node, "beta", 0.5)
        return lambda values: values * np.clip(alpha * values + beta, 0, 1)
    return lambda values: values / (1 + np.exp(-np.clip(values, -60, 60)))


def _useful_low(statistics: TensorStatistics, function: Function, high: float) -> float:
    values = np.linspace(statistics.low, statistics.high, 2 * BINS + 1)[1::2]
    weights = statistics.counts / max(1, statistics.counts.sum())
    exact = function(values)
    ends = min(0.0, statistics.low) * np.geomspace(0.02, 1.0, 60)
    losses = [float((weights * (function(round_to_levels(values, low, high)) - exact) ** 2).sum()) for low in ends]
    return float(ends[int(np.argmin(losses))])


def share_ranges(network: Network, ranges: dict[str, Range]) -> None:
    """Gives the inputs and outputs of Concat, MaxPool and Resize one common range, in place."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.get(name, name) != name:
            name = parent[name]
        return name

    for node in network.between():
        if node.op_type in ("Concat", "MaxPool", "Resize"):
            for name in node.input if node.op_type == "Concat" else node.input[:1]:
                parent[root(name)] = root(node.output[0])
    together: dict[str, list[str]] = {}
    for name in ranges:
        together.setdefault(root(name), []).append(name)
    for names in together.values():
        low, high = min(ranges[name][0] for name in names), max(ranges[name][1] for name in names)
        ranges.update(dict.fromkeys(names, (low, high)))


def pixels(model: ModelProto) -> dict[str, Range]:
    """Ranges of images that were only cast: those of a byte, whatever the images show."""
    graph = Graph(model.graph)
    casts = [node for node in model.graph.node if node.op_type == "Cast"]
    return {node.output[0]: (0.0, 255.0) for node in casts if is_image(graph, node.input[0])}


def is_image(graph: Graph, name: str) -> bool:
    """True for the uint8 input and its transposition."""
    maker = graph.producer.get(name)
    if maker is None:
        return any(value.name == name for value in graph.proto.input)
    return maker.op_type == "Transpose" and is_image(graph, maker.input[0])
