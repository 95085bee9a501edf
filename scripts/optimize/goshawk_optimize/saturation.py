"""8-bit weights whose products saturate on no CPU.

x86 CPUs without VNNI multiply unsigned by signed bytes in pairs and add the two products in 16 bits, saturating
(`pmaddubsw`): 255 * 127 + 255 * 127 becomes 32767. Weights of 7 bits rule that out, at the cost of twice the rounding
error. It is enough, however, that the two weights of a pair never add up to more than 128 in one direction, since
255 * 128 = 32640: the largest weight of a channel is seldom next to another large one of its sign. Each channel uses
the step that loses least under this rule. 7 bits are one of the choices, so it never loses more than they do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto

from .graph import Graph, attribute
from .stem import block_order, reads_blocks

MAX_PAIR = 128
"""Largest sum of the two weights of a pair that have the same sign: 255 times it fits in 16 bits."""
LEVELS = np.arange(MAX_PAIR // 2, MAX_PAIR)
"""Bytes for the largest weight of a channel. With the first, no two weights can add up to more than `MAX_PAIR`."""

Pairs = NDArray[np.intp]
"""[pairs, 2] positions of weights in a row; the row's length if the second of a pair is padding."""


def kernel_pairs(shape: tuple[int, ...]) -> list[Pairs]:
    """Which weights [C, inputs, rows, columns] of a row are paired: ONNX Runtime iterates taps, then channels."""
    order = np.arange(int(np.prod(shape[1:]))).reshape(shape[1:]).transpose(1, 2, 0).ravel()
    return [_paired(order, order.size)]


def block_pairs(shape: tuple[int, ...], pad_left: int) -> list[Pairs]:
    """The same for a convolution rewritten to read blocks of pixels: once for each column of a block."""
    size = int(np.prod(shape[1:]))
    return [_paired(order, size) for order in block_order(shape, pad_left)]


def _paired(order: NDArray[np.intp], size: int) -> Pairs:
    padded = np.append(order, [size] * (order.size % 2)).astype(np.intp)
    return padded.reshape(-1, 2)


def fit_pairs(values: NDArray[np.float64], pairings: list[Pairs]) -> NDArray[np.float64]:
    """Rows of integers; both of a pair are reduced evenly until no pair exceeds `MAX_PAIR`."""
    fitted = np.append(values, np.zeros((len(values), 1)), axis=1)
    while True:
        changed = False
        for pairs in pairings:
            first, second = fitted[:, pairs[:, 0]], fitted[:, pairs[:, 1]]
            excess = np.where(first * second > 0, np.abs(first) + np.abs(second) - MAX_PAIR, 0)
            if (excess <= 0).all():
                continue
            changed = True
            excess = np.maximum(excess, 0)
            fitted[:, pairs[:, 0]] = first - np.sign(first) * np.ceil(excess / 2)
            fitted[:, pairs[:, 1]] = second - np.sign(second) * np.floor(excess / 2)
        if not changed:
            return fitted[:, :-1]


def quantize_rows(
    rows: NDArray[np.float64], pairings: list[Pairs], *, together: bool = False
) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Bytes and step of each row with the least square error; `together` uses one step for all rows."""
    largest = np.abs(rows).max(axis=None if together else 1, keepdims=True)
    largest = np.broadcast_to(np.where(largest > 0, largest, 1.0), (len(rows), 1))
    best = np.full(len(rows), np.inf)
    bytes_, steps = np.zeros(rows.shape), largest / LEVELS[0]
    for level in LEVELS:
        step = largest / level
        found = fit_pairs(np.rint(rows / step), pairings)
        error = ((found * step - rows) ** 2).sum(axis=1)
        if together:
            error = np.full(len(rows), error.sum())
        better = error < best
        best = np.where(better, error, best)
        bytes_[better], steps = found[better], np.where(better[:, None], step, steps)
    return bytes_.astype(np.int8), steps[:, 0]


def avoid_saturation(quantized: ModelProto, exact: ModelProto) -> None:
    """Requantizes weights of convolutions so that no pair saturates, in place.

    `exact` is the float graph that `quantized` was made from; nodes are matched by name. Depthwise convolutions are
    skipped: their kernels add in 32 bits.
    """
    graph, floats = Graph(quantized.graph), Graph(exact.graph)
    weights = {node.name: floats.constant(node.input[1]) for node in exact.graph.node if node.op_type == "Conv"}
    for conv in quantized.graph.node:
        value = weights.get(conv.name) if conv.op_type == "Conv" else None
        if value is not None and not _depthwise(conv, value.shape):
            _requantize(graph, conv, value)


def _depthwise(conv: NodeProto, shape: tuple[int, ...]) -> bool:
    """One input and one output channel per group. With more outputs it is an ordinary matrix product."""
    return shape[1] == 1 and shape[0] == attribute(conv, "group", 1)


def _requantize(graph: Graph, conv: NodeProto, weights: NDArray[np.float32]) -> None:
    maker = graph.producer.get(conv.input[1])
    source = graph.producer.get(conv.input[0])
    if maker is None or source is None or maker.op_type != "DequantizeLinear":
        return
    old, scales = graph.constant(maker.input[0]), graph.constant(maker.input[1])
    if old is None or scales is None or old.dtype != np.int8 or old.shape != weights.shape:
        return
    pairings = kernel_pairs(weights.shape)
    if reads_blocks(graph, conv):
        pairings += block_pairs(weights.shape, attribute(conv, "pads", [0, 0, 0, 0])[1])
    rows = weights.reshape(len(weights), -1).astype(np.float64)
    bytes_, steps = quantize_rows(rows, pairings, together=scales.size == 1)
    steps = steps.astype(np.float32)
    graph.set_constant(maker.input[0], bytes_.reshape(weights.shape))
    graph.set_constant(maker.input[1], steps if scales.size > 1 else np.float32(steps[0]).reshape(scales.shape))
    _rescale_bias(graph, conv, source, steps if scales.size > 1 else steps[:1])


def _rescale_bias(graph: Graph, conv: NodeProto, source: NodeProto, steps: NDArray[np.float32]) -> None:
    """An int32 bias is in units of the products' step."""
    maker = graph.producer.get(conv.input[2]) if len(conv.input) > 2 else None
    if maker is None:
        return
    value, scale, input_scale = (graph.constant(name) for name in (*maker.input[:2], source.input[1]))
    if value is None or scale is None or input_scale is None or value.dtype != np.int32:
        return
    changed = (steps * np.float32(input_scale)).reshape(scale.shape)
    limits = np.iinfo(np.int32)
    moved = np.clip(np.rint(value * scale.astype(np.float64) / changed), limits.min, limits.max)
    for index, new in ((0, moved.astype(np.int32)), (1, changed)):
        # convolutions may share what is replaced here
        if len(graph.consumers[maker.input[index]]) > 1:
            maker.input[index] = f"{conv.name}_bias_{index}"
        graph.set_constant(maker.input[index], new)
