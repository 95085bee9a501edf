"""The difference between outputs: the largest gap, and the largest over 1 + |a|."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import HEIGHT, WIDTH, Net, run, sample_images
from onnx import ModelProto

from goshawk_optimize.compare import compare, random_images


def shifted(change: float, outputs: int = 4) -> ModelProto:
    net = Net()
    first, second = net.conv("a", "x", (outputs, 3, 3, 3)), net.conv("b", "x", (2, 3, 1, 1))
    net.constants["b_b"][1] += np.float32(change)
    return net.model(first, second)


def test_a_model_does_not_differ_from_itself() -> None:
    difference = compare(shifted(0), shifted(0), sample_images())

    assert (difference.absolute, difference.relative) == (0, 0)


@pytest.mark.parametrize("change", [0.5, -0.25, 30])
def test_is_the_largest_gap_of_all_outputs_and_images(change: float) -> None:
    images = sample_images(3)
    difference = compare(shifted(0), shifted(change), images)

    before = [a.astype(np.float64) for a in run(shifted(0), images)]
    gaps = [np.abs(a - b) for a, b in zip(before, run(shifted(change), images), strict=True)]
    assert difference.absolute == pytest.approx(max(gap.max() for gap in gaps), rel=1e-5)
    shares = [gap / (1 + np.abs(a)) for gap, a in zip(gaps, before, strict=True)]
    assert difference.relative == pytest.approx(max(share.max() for share in shares), rel=1e-4)
    assert difference.absolute == pytest.approx(abs(change), rel=1e-4)


def test_looks_at_every_image() -> None:
    net = Net()
    model = net.model(net.conv("a", "x", (1, 3, 1, 1), bias=False))
    steeper = Net()
    steeper.conv("a", "x", (1, 3, 1, 1), bias=False)
    steeper.constants["a_w"] *= 2
    images = np.zeros((3, HEIGHT, WIDTH, 3), np.uint8)
    images[1] = 200

    difference = compare(model, steeper.model("a_out"), images)

    assert difference.absolute == pytest.approx(abs(run(model, images)[0][1]).max(), rel=1e-5)
    assert difference.absolute > 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_infinitely_far_from_what_is(value: float) -> None:
    assert compare(shifted(0), shifted(value), sample_images()).relative == np.inf
    assert compare(shifted(value), shifted(0), sample_images()).relative == np.inf


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_in_both_is_the_same(value: float) -> None:
    assert compare(shifted(value), shifted(value), sample_images()).absolute == 0


def test_another_shape_is_infinitely_far() -> None:
    assert compare(shifted(0, outputs=4), shifted(0, outputs=1), sample_images()).absolute == np.inf


def test_noise_has_the_size_of_the_input_and_is_always_the_same() -> None:
    noise = random_images(shifted(0), 3)

    assert (noise.shape, noise.dtype) == ((3, HEIGHT, WIDTH, 3), np.uint8)
    np.testing.assert_array_equal(noise, random_images(shifted(0), 3))
    assert noise.min() < 10
    assert noise.max() > 245
