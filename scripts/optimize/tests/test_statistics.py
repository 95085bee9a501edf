"""Statistics cover every float activation over all images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import Net, run, sample_images
from onnx import ModelProto

from goshawk_optimize import statistics
from goshawk_optimize.errors import OpError
from goshawk_optimize.sessions import with_outputs
from goshawk_optimize.statistics import BINS, collect, float_activations, load, model_digest, save

NAMES = ["x", "a_out", "gate_out", "mul_out"]


def net() -> ModelProto:
    graph = Net()
    source = graph.conv("a", "x", (4, 3, 3, 3))
    return graph.model(graph.add("Mul", "mul", source, graph.add("Sigmoid", "gate", source)))


def test_float_tensors_that_are_computed_have_statistics() -> None:
    assert float_activations(net()) == NAMES


def test_ranges_and_histograms_are_those_of_numpy() -> None:
    images = sample_images(3)

    found = collect(net(), images)

    assert list(found) == NAMES
    for name, values in zip(NAMES, run(with_outputs(net(), NAMES), images), strict=True):
        item = found[name]
        assert (item.low, item.high) == pytest.approx((values.min(), values.max()), rel=1e-5)
        assert item.counts.sum() == values.size
        expected, _ = np.histogram(values, BINS, (item.low, item.high))
        # values at the border of two bins may be counted in the other one
        assert np.abs(np.cumsum(item.counts - expected)).max() <= 0.01 * values.size
        assert item.counts[0] > 0
        assert item.counts[-1] > 0


def test_a_tensor_that_is_always_the_same_has_one_bin() -> None:
    graph = Net()
    source = graph.add("Mul", "nothing", "x", graph.constant("zero", np.float32(0)))
    with np.errstate(all="raise"):
        found = collect(graph.model(source), sample_images())["nothing_out"]

    assert (found.low, found.high) == (0, 0)
    assert np.count_nonzero(found.counts) == 1


def test_each_image_is_reported_twice() -> None:
    reports: list[tuple[int, int]] = []

    collect(net(), sample_images(3), lambda done, total: reports.append((done, total)))

    assert reports == [(done, 6) for done in range(1, 7)]


@pytest.mark.parametrize("operator", ["Log", "Reciprocal"])
def test_a_tensor_that_is_not_finite_is_named(operator: str) -> None:
    graph = Net()
    source = graph.add("Relu", "relu", graph.conv("a", "x", (4, 3, 3, 3)))
    model = graph.model(graph.add("Neg", "after", graph.add(operator, "broken", source)))

    with pytest.raises(OpError, match="broken_out") as caught:
        collect(model, sample_images())

    assert caught.value.kind == "bad-model"


def test_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "statistics"
    written = collect(net(), sample_images())

    save(path, written, "digest")
    read = load(path, "digest")

    assert list(read) == list(written)
    for name, item in written.items():
        assert (read[name].low, read[name].high) == (item.low, item.high)
        np.testing.assert_array_equal(read[name].counts, item.counts)


def test_those_of_another_model_are_refused(tmp_path: Path) -> None:
    other = net()
    other.graph.node[-1].name = "other"
    save(tmp_path / "statistics", collect(net(), sample_images(1)), model_digest(net()))

    assert load(tmp_path / "statistics", model_digest(net()))
    with pytest.raises(OpError, match="another model") as caught:
        load(tmp_path / "statistics", model_digest(other))
    assert caught.value.kind == "unsupported"


@pytest.mark.parametrize("part", [0, 10, 200, -30])
def test_half_a_file_is_refused(tmp_path: Path, part: int) -> None:
    path = tmp_path / "statistics"
    save(path, collect(net(), sample_images(1)), "digest")
    path.write_bytes(path.read_bytes()[:part])

    with pytest.raises(OpError, match="calibrate again") as caught:
        load(path, "digest")

    assert caught.value.kind == "unsupported"


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "statistics"
    save(path, collect(net(), sample_images(1)), "digest")
    content = bytearray(path.read_bytes())
    content[100:400] = bytes(300)
    path.write_bytes(content)

    with pytest.raises(OpError, match="calibrate again"):
        load(path, "digest")


def test_another_file_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", np.zeros(3))
    np.savez(tmp_path / "other.npz", values=np.zeros(3))
    (tmp_path / "text").write_text("this is text")

    for name in ("array.npy", "other.npz", "text"):
        with pytest.raises(OpError, match="calibrate again"):
            statistics.load(tmp_path / name, "digest")
