"""The first convolution over blocks of pixels yields the same bytes as the one over pixels."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import run
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

from goshawk_optimize.stem import shift_of, spread, widen_stem

HEIGHT, WIDTH, CHANNELS = 32, 48, 5


def stem(kernel: int, pad: int, stride: int = 2, *, bias: bool = True, largest: int = 127) -> ModelProto:
    """uint8 image -> planes -> convolution with ReLU in 8 bits -> float."""
    random = np.random.default_rng(kernel)
    weights = random.integers(-largest, largest + 1, (CHANNELS, 3, kernel, kernel)).astype(np.int8)
    scales = random.uniform(0.001, 0.01, CHANNELS).astype(np.float32)
    constants = {
        "one": np.float32(1),
        "zero": np.uint8(0),
        "w": weights,
        "ws": scales,
        "wz": np.zeros(CHANNELS, np.int8),
        "b": random.integers(-3000, 3000, CHANNELS).astype(np.int32),
        "bz": np.zeros(CHANNELS, np.int32),
        "ys": np.float32(0.5),
        "yz": np.uint8(0),
    }
    nodes = [
        helper.make_node("Transpose", ["images"], ["planes"], "planes", perm=[0, 3, 1, 2]),
        helper.make_node("DequantizeLinear", ["planes", "one", "zero"], ["x"], "x"),
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wf"], "wf", axis=0),
        helper.make_node("DequantizeLinear", ["b", "ws", "bz"], ["bf"], "bf", axis=0),
        helper.make_node(
            "Conv",
            ["x", "wf", "bf"] if bias else ["x", "wf"],
            ["c"],
            "conv",
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[pad] * 4,
        ),
        helper.make_node("Relu", ["c"], ["r"], "relu"),
        helper.make_node("QuantizeLinear", ["r", "ys", "yz"], ["q"], "q"),
        helper.make_node("DequantizeLinear", ["q", "ys", "yz"], ["y"], "y"),
    ]
    graph = helper.make_graph(
        nodes,
        "stem",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", HEIGHT, WIDTH, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "channels", "rows", "columns"])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


@pytest.mark.parametrize(("largest", "exact"), [(127, True), (63, False)], ids=["exact", "7 bits"])
@pytest.mark.parametrize(
    ("kernel", "pad", "bias"),
    [(3, 1, True), (3, 1, False), (6, 2, True), (5, 2, True), (4, 1, True), (7, 3, True), (2, 0, True)],
)
def test_gives_the_same_bytes(kernel: int, pad: int, bias: bool, largest: int, exact: bool) -> None:
    """In exact arithmetic, and with weights of 7 bits in any: blocks of pixels pair other products."""
    model = stem(kernel, pad, bias=bias, largest=largest)
    images = np.random.default_rng(7).integers(0, 256, (2, HEIGHT, WIDTH, 3)).astype(np.uint8)
    (before,) = run(model, images, optimize=True, exact=exact)

    assert widen_stem(model)

    checker.check_model(model, full_check=True)
    conv = next(node for node in model.graph.node if node.op_type == "Conv")
    assert list(next(a for a in conv.attribute if a.name == "strides").ints) == [2, 1]
    (after,) = run(model, images, optimize=True, exact=exact)
    assert before.std() > 1
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize(("kernel", "pad", "stride"), [(3, 1, 1), (3, 0, 2)])
def test_leaves_other_shapes_alone(kernel: int, pad: int, stride: int) -> None:
    model = stem(kernel, pad, stride)
    before = model.SerializeToString()

    assert not widen_stem(model)

    assert model.SerializeToString() == before


def test_every_weight_is_there_once_for_each_column() -> None:
    weights = np.arange(1, 1 + 4 * 3 * 3 * 3, dtype=np.int8).reshape(4, 3, 3, 3)

    wide, left, right = spread(weights, pad_left=1)

    assert wide.shape == (8, 12, 3, 2)
    assert (left, right) == (1, 0)
    for half in (wide[:4], wide[4:]):
        np.testing.assert_array_equal(np.sort(half[half != 0]), np.sort(weights.ravel()))


@pytest.mark.parametrize(
    ("kernel", "pad", "shift", "blocks"),
    [(3, 1, 0, 2), (5, 2, 2, 2), (6, 2, 2, 2), (4, 1, 1, 2), (7, 3, 0, 3), (2, 0, 0, 1), (2, 1, 0, 2)],
)
def test_a_kernel_covers_as_few_blocks_as_can_be(kernel: int, pad: int, shift: int, blocks: int) -> None:
    assert shift_of(kernel, pad) == shift
    wide, _, _ = spread(np.ones((1, 3, kernel, kernel), np.int8), pad)
    assert wide.shape[3] == blocks
