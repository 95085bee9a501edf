"""How this processor sums products of uint8 and int8: exact sums, or pairs that saturate in 16 bits.

x86-64 without VNNI multiplies by VPMADDUBSW, which adds two products in int16. VNNI and ARM add in int32.
"""

from __future__ import annotations

import platform
import re
from pathlib import Path

import numpy as np
import pytest
from conftest import HEIGHT, WIDTH, run
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

CHANNELS = 16
STEP = 4096.0
"""One output byte for this much of a sum, so that the largest sums fit."""


def saturates() -> bool:
    """Whether int8 kernels of this processor saturate, according to its flags."""
    if platform.machine() != "x86_64":
        return False
    return re.search(r"^flags.* (avx512_vnni|avx_vnni)\b", Path("/proc/cpuinfo").read_text(), re.MULTILINE) is None


def sum_of_channels(weight: int) -> ModelProto:
    """A 1x1 convolution in 8 bits over the image and white channels, all of one weight."""
    constants = {
        "one": np.float32(1),
        "u0": np.uint8(0),
        "s0": np.int8(0),
        "step": np.float32(STEP),
        "middle": np.uint8(128),
        "w": np.full((4, CHANNELS, 1, 1), weight, np.int8),
        "pads": np.array([0, 0, 0, 0, 0, CHANNELS - 3, 0, 0], np.int64),
        "white": np.uint8(255),
    }
    nodes = [
        helper.make_node("Transpose", ["images"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Pad", ["planes", "pads", "white"], ["bytes"]),
        helper.make_node(
            "QLinearConv", ["bytes", "one", "u0", "w", "one", "s0", "step", "middle"], ["sums"], kernel_shape=[1, 1]
        ),
        helper.make_node("DequantizeLinear", ["sums", "step", "middle"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "sum",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", HEIGHT, WIDTH, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 4, HEIGHT, WIDTH])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


def white() -> NDArray[np.uint8]:
    """An image whose sums are all as large as possible."""
    return np.full((1, HEIGHT, WIDTH, 3), 255, np.uint8)


def stored(total: float) -> float:
    """A sum as represented by the output's bytes."""
    return float(np.clip(np.rint(total / STEP), -128, 127)) * STEP


@pytest.mark.parametrize("weight", [127, 65, 64, 63, -63, -65, -127])
def test_sums_of_this_processor(weight: int) -> None:
    """Exact, or pairs that saturate; weights up to 63 (7 bits) and 64 cannot: 2 * 255 * 64 < 32768."""
    pair = 2 * 255 * weight
    expected = CHANNELS // 2 * (int(np.clip(pair, -(1 << 15), (1 << 15) - 1)) if saturates() else pair)

    (found,) = run(sum_of_channels(weight), white(), optimize=True)

    np.testing.assert_array_equal(found, stored(expected))


@pytest.mark.parametrize("weight", [127, -127])
def test_exact_sums_can_be_had_on_any_processor(weight: int) -> None:
    (found,) = run(sum_of_channels(weight), white(), optimize=True, exact=True)

    np.testing.assert_array_equal(found, stored(CHANNELS * 255 * weight))
