"""Compares ranges with the values themselves; the module only sees their histogram."""

from __future__ import annotations

import math

import numpy as np
import pytest
from conftest import HEIGHT, WIDTH, Net, run, sample_images
from numpy.typing import NDArray

from goshawk_optimize.errors import OpError
from goshawk_optimize.layers import Network
from goshawk_optimize.ranges import (
    METHODS,
    Range,
    choose_ranges,
    entropy,
    least_squares,
    method_of,
    minmax,
    percentile,
    pixels,
    round_to_levels,
)
from goshawk_optimize.request import Request
from goshawk_optimize.sessions import with_outputs
from goshawk_optimize.statistics import BINS, TensorStatistics, collect

Values = NDArray[np.float64]


def sample(kind: str) -> Values:
    """Values distributed like activations."""
    random = np.random.default_rng(3)
    normal = random.normal(0.3, 1, 20_000)
    return {
        "normal": normal,
        "relu": np.maximum(normal, 0),
        "tail": np.concatenate([normal, random.uniform(-40, 60, 20)]),
        "positive": random.uniform(2, 5, 20_000),
        "negative": random.uniform(-5, -2, 20_000),
        "even": random.uniform(-1, 3, 20_000),
        "laplace": random.laplace(0, 1, 20_000),
    }[kind]


KINDS = ["normal", "relu", "tail", "positive", "negative", "even", "laplace"]


def seen(values: Values) -> TensorStatistics:
    low, high = float(values.min()), float(values.max())
    return TensorStatistics(low, high, np.histogram(values, BINS, (low, high))[0])


def squares(values: Values, low: float, high: float) -> float:
    """Mean square error of uint8 with a zero point, implemented independently."""
    low, high = min(low, 0), max(high, 0)
    scale = (high - low) / 255
    zero = round(-low / scale)
    stored = np.clip(np.floor(values / scale + zero + 0.5), 0, 255)
    return float(np.mean(((stored - zero) * scale - values) ** 2))


@pytest.mark.parametrize("kind", KINDS)
def test_minmax_is_all_of_it(kind: str) -> None:
    values = sample(kind)

    assert minmax(seen(values)) == (values.min(), values.max())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("percent", [99.99, 99.9, 99, 80, 50])
def test_percentile_is_that_of_numpy_within_a_bin(kind: str, percent: float) -> None:
    values = sample(kind)

    low, high = percentile(seen(values), percent)

    width = (values.max() - values.min()) / BINS
    cut = (100 - percent) / 2
    # numpy interpolates between neighbors, which are far apart in the tails
    assert np.percentile(values, cut, method="lower") - width <= low
    assert low <= np.percentile(values, cut, method="higher") + width
    assert np.percentile(values, 100 - cut, method="lower") - width <= high
    assert high <= np.percentile(values, 100 - cut, method="higher") + width


@pytest.mark.parametrize("kind", KINDS)
def test_a_hundred_percent_are_all_of_it(kind: str) -> None:
    values = sample(kind)

    assert percentile(seen(values), 100) == pytest.approx((values.min(), values.max()), abs=1e-9)


def divergence(reference: list[float], kept: list[float]) -> float:
    """Kullback-Leibler divergence of what 256 levels leave of `kept`, from `reference`, bin by bin."""
    levels: dict[int, list[int]] = {}
    for index in range(len(kept)):
        levels.setdefault(index * 256 // len(kept), []).append(index)
    left = [0.0] * len(kept)
    for bins in levels.values():
        filled = [index for index in bins if kept[index] > 0]
        for index in filled:
            left[index] = sum(kept[i] for i in bins) / len(filled)
    total, whole = sum(reference), sum(left)
    found = 0.0
    for p, q in zip(reference, left, strict=True):
        if p > 0:
            found += p / total * (math.log((p / total) / (q / whole)) if q > 0 else math.log(256))
    return found


def entropy_bin_by_bin(statistics: TensorStatistics) -> Range:
    """TensorRT's calibrator for two ends, in plain Python."""
    counts = [float(count) for count in statistics.counts]
    width = (statistics.high - statistics.low) / BINS
    best, found = math.inf, (statistics.low, statistics.high)
    for percent in range(10, 101):
        low, high = statistics.low * percent / 100, statistics.high * percent / 100
        first = max(0, math.floor((min(0, low) - statistics.low) / width + 1e-6))
        last = min(BINS, math.ceil((max(0, high) - statistics.low) / width - 1e-6))
        if last - first < 256:
            continue
        kept = counts[first:last]
        reference = [*kept]
        reference[0] += sum(counts[:first])
        reference[-1] += sum(counts[last:])
        loss = divergence(reference, kept)
        if loss < best:
            best, found = loss, (statistics.low + first * width, statistics.low + last * width)
    return found


@pytest.mark.parametrize("kind", ["laplace", "tail", "negative"])
def test_entropy_is_that_of_the_reference(kind: str) -> None:
    statistics = seen(sample(kind))

    assert entropy(statistics) == pytest.approx(entropy_bin_by_bin(statistics), abs=1e-6)


def test_entropy_cuts_tails_and_keeps_what_is_even() -> None:
    low, high = entropy(seen(sample("tail")))
    assert -20 < low < -2
    assert 2 < high < 30

    assert entropy(seen(sample("even"))) == pytest.approx((-1, 3), rel=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_least_squares_is_next_to_the_best_of_all_ends(kind: str) -> None:
    values = sample(kind)
    low, high = min(0.0, values.min()), max(0.0, values.max())
    shares = np.geomspace(0.05, 1, 25)
    ends = [(low * a, high * b) for a in (shares if low < 0 else [1]) for b in (shares if high > 0 else [1])]
    best = min(squares(values, *end) for end in ends)

    found = squares(values, *least_squares(seen(values)))

    assert found <= 1.1 * best
    assert found <= 1.01 * squares(values, low, high)


def test_least_squares_cuts_a_tail_that_is_rare() -> None:
    values = np.concatenate([np.random.default_rng(0).normal(0, 1, 200_000), [-80.0, 100.0]])

    low, high = least_squares(seen(values))

    assert squares(values, low, high) < 0.7 * squares(values, -80, 100)
    assert low > -80
    assert high < 100


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", [minmax, entropy, least_squares, lambda item: percentile(item, 99.9)])
def test_ranges_are_in_order_and_never_wider_than_the_values_and_zero(kind: str, method: object) -> None:
    values = sample(kind)

    low, high = method(seen(values))

    assert low < high
    assert low >= min(0, values.min()) - 1e-9
    assert high <= max(0, values.max()) + 1e-9


@pytest.mark.parametrize("value", [0.0, 2.5, -2.5])
@pytest.mark.parametrize("method", [minmax, entropy, least_squares, lambda item: percentile(item, 99.9)])
def test_a_tensor_that_is_always_the_same_keeps_its_value(value: float, method: object) -> None:
    counts = np.zeros(BINS, np.int64)
    counts[0] = 100

    low, high = method(TensorStatistics(value, value, counts))

    assert min(low, 0) <= value <= max(high, 0)
    assert round_to_levels(np.array([value]), low, high) == pytest.approx(value, abs=0.01)


@pytest.mark.parametrize(("low", "high"), [(-1.0, 3.0), (0.5, 2.0), (-4.0, -1.0), (0.0, 0.0)])
def test_zero_is_a_level_of_every_range(low: float, high: float) -> None:
    assert round_to_levels(np.zeros(1), low, high)[0] == 0


@pytest.mark.parametrize(("low", "high"), [(-1.0, 3.0), (0.0, 2.0), (-4.0, 0.0)])
def test_levels_are_a_256th_apart_and_values_beyond_become_the_last(low: float, high: float) -> None:
    values = np.linspace(low, high, 10_001)

    found = round_to_levels(values, low, high)

    step = (high - low) / 255
    assert len(np.unique(found)) == 256
    # half a step, plus the shift that makes zero a level
    assert np.abs(found - values).max() <= step * (0.5001 + abs(round(-low / step) + low / step))
    beyond = round_to_levels(np.array([low - 9, high + 9]), low, high)
    np.testing.assert_allclose(beyond, [found.min(), found.max()], atol=1e-12)


@pytest.mark.parametrize("name", ["minmax", "percentile", "entropy", "mse"])
def test_methods_go_by_their_names(name: str) -> None:
    statistics = seen(sample("tail"))
    expected = {
        "minmax": minmax(statistics),
        "percentile": percentile(statistics, 99.5),
        "entropy": entropy(statistics),
        "mse": least_squares(statistics),
    }

    found = method_of(Request({"calibration": name, "percentile": 99.5}))(statistics)

    assert found == expected[name]
    assert len(set(expected.values())) == 4
    assert set(expected) == set(METHODS) - {"trained"}


def test_another_method_is_refused() -> None:
    with pytest.raises(OpError, match="guess"):
        method_of(Request({"calibration": "guess"}))


@pytest.mark.parametrize("percent", [-1, 0, 100.5, math.nan])
def test_a_percentile_out_of_its_range_is_refused(percent: float) -> None:
    scheme = Request({"calibration": "percentile", "percentile": percent})

    with pytest.raises(OpError, match="percentile"):
        method_of(scheme)


class TestChoice:
    """Knowledge of the graph takes precedence over what the images show."""

    def ranges(self, net: Net, *outputs: str) -> dict[str, Range]:
        model = net.model(*outputs)
        return choose_ranges(Network(model), collect(model, sample_images()), minmax)

    def test_images_span_a_byte(self) -> None:
        net = Net()
        model = net.model(net.conv("a", "x", (4, 3, 3, 3)))

        found = choose_ranges(Network(model), collect(model, np.full((1, HEIGHT, WIDTH, 3), 90, np.uint8)), minmax)

        assert found["x"] == (0, 255)
        assert pixels(model) == {"x": (0, 255)}

    def test_only_images_are_images(self) -> None:
        net = Net()
        source = net.add("Cast", "bytes", net.conv("a", "x", (4, 3, 3, 3)), to=2)
        model = net.model(net.add("Cast", "floats", source, to=1))

        assert list(pixels(model)) == ["x"]

    @pytest.mark.parametrize("operator", ["Sigmoid", "HardSigmoid"])
    def test_gates_span_one(self, operator: str) -> None:
        net = Net()

        assert self.ranges(net, net.add(operator, "gate", net.conv("a", "x", (4, 3, 3, 3))))["gate_out"] == (0, 1)

    def test_relu_begins_at_zero(self) -> None:
        net = Net()
        source = net.conv("a", "x", (4, 3, 3, 3))
        net.constants["a_b"] += np.float32(20)

        found = self.ranges(net, net.add("Relu", "relu", source))

        assert found["a_out"][0] > 5
        assert found["relu_out"] == (0, pytest.approx(found["a_out"][1]))

    @pytest.mark.parametrize("gate", ["Sigmoid", "HardSigmoid"])
    def test_what_a_gate_makes_nothing_of_gets_no_levels(self, gate: str) -> None:
        net = Net()
        source = net.conv("a", "x", (4, 3, 3, 3))
        net.constants["a_w"] *= np.float32(30)
        model = net.model(net.silu("silu", source, gate))
        collected = collect(model, sample_images())

        low, high = choose_ranges(Network(model), collected, minmax)["a_out"]

        assert collected["a_out"].low < -30
        assert -12 < low < -0.2
        assert high == collected["a_out"].high
        before, after = run(with_outputs(model, ["a_out", "silu_mul_out"]), sample_images())
        share = {"Sigmoid": lambda x: 1 / (1 + np.exp(-x)), "HardSigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1)}[gate]

        def loss(end: float) -> float:
            rounded = round_to_levels(before.astype(np.float64), end, high)
            return float(np.mean((rounded * share(rounded) - after) ** 2))

        assert loss(low) < 0.9 * loss(collected["a_out"].low)
        assert loss(low) <= 1.05 * min(loss(end) for end in np.linspace(low / 3, 3 * low, 20))

    def test_what_is_only_moved_shares_one_range(self) -> None:
        net = Net()
        first = net.conv("a", "x", (4, 3, 3, 3))
        second = net.conv("b", "x", (4, 3, 3, 3))
        net.constants["b_w"] *= np.float32(5)
        pooled = net.add("MaxPool", "pool", first, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        joined = net.add("Concat", "joined", pooled, second, axis=1)
        alone = net.add("Add", "sum", first, second)
        found = self.ranges(net, net.conv("c", joined, (4, 8, 1, 1)), net.conv("d", alone, (4, 4, 1, 1)))

        assert len({found[name] for name in ("a_out", "pool_out", "joined_out", "b_out")}) == 1
        assert found["sum_out"] != found["a_out"]
        plain = self.ranges(net, first, second)
        assert found["a_out"][0] == min(plain["a_out"][0], plain["b_out"][0])
        assert found["a_out"][1] == max(plain["a_out"][1], plain["b_out"][1])

    def test_what_is_joined_after_the_last_convolutions_keeps_its_ranges(self) -> None:
        net = Net()
        first, second = net.conv("a", "x", (4, 3, 3, 3)), net.conv("b", "x", (4, 3, 3, 3))
        found = self.ranges(net, net.add("Concat", "joined", first, second, axis=1))

        assert found["a_out"] != found["b_out"]
