"""Exact rewrites: the same outputs with other operators, and what must not be rewritten."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import Net, assert_same_outputs, node_of, operators
from onnx import ModelProto, checker

from goshawk_optimize.graph import attribute
from goshawk_optimize.rewrites import Rewrite, chain_pools, convolve_before_enlarging, focus_to_convolution

END = 2**31 - 1
CORNERS = [(0, 0), (1, 0), (0, 1), (1, 1)]


def assert_exact(rewrite: Rewrite, model: ModelProto, count: int = 1) -> ModelProto:
    """The rewrite changes `count` places of a copy, which is a valid model with the same outputs."""
    changed = ModelProto()
    changed.CopyFrom(model)
    assert rewrite(changed) == count
    checker.check_model(changed, full_check=True)
    assert_same_outputs(model, changed)
    return changed


def assert_left_alone(rewrite: Rewrite, model: ModelProto) -> None:
    """The rewrite finds nothing to do."""
    before = model.SerializeToString(deterministic=True)
    assert rewrite(model) == 0
    assert model.SerializeToString(deterministic=True) == before


def take(net: Net, name: str, source: str, starts: list[int], axes: list[int], **other: int) -> str:
    """Every other row or column."""
    fields = {
        "starts": starts,
        "ends": [other.get("end", END)] * len(axes),
        "axes": axes,
        "steps": [other.get("step", 2)] * len(axes),
    }
    names = [net.constant(f"{name}_{key}", np.array(value, np.int64)) for key, value in fields.items()]
    return net.add("Slice", name, source, *names)


def focus(net: Net, corners: list[tuple[int, int]], *, chained: bool = True, **other: int) -> str:
    """Slices of the image side by side: rows first and then columns, or both at once."""
    parts = []
    for index, (row, column) in enumerate(corners):
        if chained:
            rows = take(net, f"rows{index}", "x", [row], [2], **other)
            parts.append(take(net, f"part{index}", rows, [column], [3], **other))
        else:
            parts.append(take(net, f"part{index}", "x", [row, column], [2, 3], **other))
    return net.add("Concat", "focus", *parts, axis=1)


class TestFocus:
    """Slices of every other pixel and a convolution are one convolution."""

    @pytest.mark.parametrize("chained", [True, False])
    @pytest.mark.parametrize("corners", [CORNERS, [(0, 0), (0, 1), (1, 0), (1, 1)]])
    @pytest.mark.parametrize("kernel", [3, 1])
    def test_gives_the_same(self, chained: bool, corners: list[tuple[int, int]], kernel: int) -> None:
        net = Net()
        model = net.model(net.conv("a", focus(net, corners, chained=chained), (5, 12, kernel, kernel), gain=0.01))

        changed = assert_exact(focus_to_convolution, model)

        assert operators(changed) == ["Transpose", "Cast", "Conv"]
        assert list(attribute(node_of(changed, "a"), "strides")) == [2, 2]

    def test_pads_that_differ_and_a_kernel_that_is_not_square(self) -> None:
        net = Net()
        model = net.model(net.conv("a", focus(net, CORNERS), (5, 12, 3, 5), gain=0.01, pads=[1, 2, 0, 1]))

        assert_exact(focus_to_convolution, model)

    def test_without_pads(self) -> None:
        net = Net()
        net.conv("a", focus(net, CORNERS), (5, 12, 3, 3), gain=0.01)
        del net.nodes[-1].attribute[:]

        assert_exact(focus_to_convolution, net.model("a_out"))

    @pytest.mark.parametrize("corners", [[(0, 0), (0, 0), (0, 1), (1, 1)], CORNERS[:3], [*CORNERS, (0, 0)]])
    def test_other_corners_are_left_alone(self, corners: list[tuple[int, int]]) -> None:
        net = Net()

        model = net.model(net.conv("a", focus(net, corners), (5, 3 * len(corners), 3, 3)))

        assert_left_alone(focus_to_convolution, model)

    @pytest.mark.parametrize("other", [{"step": 1}, {"step": 3}, {"end": 8}])
    def test_other_slices_are_left_alone(self, other: dict[str, int]) -> None:
        net = Net()
        corners = [(0, 0)] * 4 if other == {"step": 1} else CORNERS
        source = focus(net, corners, **other)

        assert_left_alone(focus_to_convolution, net.model(net.conv("a", source, (5, 12, 3, 3))))

    @pytest.mark.parametrize("axis", [2, 3])
    def test_a_tensor_that_is_itself_sliced(self, axis: int) -> None:
        net = Net()
        first = take(net, "first", "x", [1], [axis])
        parts = [take(net, f"part{index}", first, list(at), [2, 3]) for index, at in enumerate(CORNERS)]
        source = net.add("Concat", "focus", *parts, axis=1)

        changed = assert_exact(focus_to_convolution, net.model(net.conv("a", source, (5, 12, 3, 3), gain=0.01)))

        assert operators(changed).count("Slice") == 1

    def test_slices_of_other_slices_are_left_alone(self) -> None:
        net = Net()
        parts = [
            take(net, f"part{index}", take(net, f"first{index}", "x", list(at), [2, 3]), list(at), [2, 3])
            for index, at in enumerate(CORNERS)
        ]
        source = net.add("Concat", "focus", *parts, axis=1)

        assert_left_alone(focus_to_convolution, net.model(net.conv("a", source, (5, 12, 3, 3))))

    def test_slices_of_two_tensors_are_left_alone(self) -> None:
        net = Net()
        net.add("Neg", "other", "x")
        source = focus(net, CORNERS)
        next(node for node in net.nodes if node.name == "rows1").input[0] = "other_out"

        assert_left_alone(focus_to_convolution, net.model(net.conv("a", source, (5, 12, 3, 3))))

    @pytest.mark.parametrize("attributes", [{"strides": [2, 2]}, {"dilations": [2, 2]}, {"auto_pad": "SAME_UPPER"}])
    def test_other_convolutions_are_left_alone(self, attributes: dict[str, Any]) -> None:
        net = Net()

        model = net.model(net.conv("a", focus(net, CORNERS), (5, 12, 3, 3), **attributes))

        assert_left_alone(focus_to_convolution, model)

    def test_convolutions_in_groups_are_left_alone(self) -> None:
        net = Net()

        model = net.model(net.conv("a", focus(net, CORNERS), (12, 4, 3, 3), group=3))

        assert_left_alone(focus_to_convolution, model)

    def test_what_something_else_reads_too_is_left_alone(self) -> None:
        net = Net()
        source = focus(net, CORNERS)

        model = net.model(net.conv("a", source, (5, 12, 3, 3)), net.add("Neg", "other", source))

        assert_left_alone(focus_to_convolution, model)


def pool(net: Net, name: str, source: str, side: int, **attributes: Any) -> str:  # noqa: ANN401 - attributes
    pads = [side // 2] * 4
    return net.add("MaxPool", name, source, **{"kernel_shape": [side, side], "pads": pads, **attributes})


class TestPools:
    """The maximum of maxima is the overall maximum."""

    @pytest.mark.parametrize(
        ("sides", "chained"), [((5, 9, 13), (5, 5, 5)), ((13, 5, 9), (5, 5, 5)), ((3, 9), (3, 7)), ((1, 3), (1, 3))]
    )
    def test_gives_the_same(self, sides: tuple[int, ...], chained: tuple[int, ...]) -> None:
        net = Net()
        source = net.conv("a", "x", (4, 3, 3, 3))
        model = net.model(*[pool(net, f"pool{side}", source, side) for side in sides])

        changed = assert_exact(chain_pools, model, len(sides) - 1)

        found = [attribute(node_of(changed, f"pool{side}"), "kernel_shape")[0] for side in sorted(sides)]
        assert tuple(found) == chained
        assert [node_of(changed, f"pool{side}").input[0] == source for side in sorted(sides)].count(True) == 1

    def test_equal_windows_are_not_chained(self) -> None:
        net = Net()
        source = net.conv("a", "x", (4, 3, 3, 3))

        assert_left_alone(chain_pools, net.model(pool(net, "first", source, 5), pool(net, "second", source, 5)))

    def test_pools_of_different_tensors_are_left_alone(self) -> None:
        net = Net()
        source = net.conv("a", "x", (4, 3, 3, 3))
        first = pool(net, "first", source, 5)

        assert_left_alone(chain_pools, net.model(first, pool(net, "second", first, 9)))

    @pytest.mark.parametrize(
        "attributes",
        [
            {"strides": [2, 2]},
            {"dilations": [2, 2]},
            {"pads": [0, 0, 0, 0]},
            {"pads": [4, 4, 3, 3]},
            {"kernel_shape": [9, 7], "pads": [4, 3, 4, 3]},
            {"kernel_shape": [8, 8], "pads": [4, 4, 4, 4]},
        ],
    )
    def test_other_windows_are_left_alone(self, attributes: dict[str, Any]) -> None:
        net = Net()
        source = net.conv("a", "x", (4, 3, 3, 3))

        model = net.model(pool(net, "first", source, 5), pool(net, "second", source, 9, **attributes))

        assert_left_alone(chain_pools, model)


def enlarged(net: Net, source: str, *, sizes: list[int] | None = None, mode: str = "nearest") -> str:
    """Twice the rows and columns."""
    if sizes is not None:
        names = ["", "", net.constant("sizes", np.array(sizes, np.int64))]
    else:
        names = ["", net.constant("scales", np.array([1, 1, 2, 2], np.float32))]
    attributes = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor", "mode": mode}
    return net.add("Resize", "enlarge", source, *names, **attributes)


def neck(
    *, other_first: bool = False, mode: str = "nearest", bias: bool = True, **attributes: Any  # noqa: ANN401
) -> Net:
    """A convolution `c` over a tensor of 4 channels and an upsampled one of 6."""
    net = Net()
    fine = net.silu("fine", net.conv("a", "x", (4, 3, 3, 3)))
    coarse = net.add("Relu", "coarse", net.conv("b", fine, (6, 4, 3, 3), strides=[2, 2]))
    parts = [fine, enlarged(net, coarse, mode=mode)]
    joined = net.add("Concat", "joined", *(parts if other_first else parts[::-1]), axis=1)
    net.conv("c", joined, (5, 10, 1, 1), bias=bias, **attributes)
    return net


class TestEnlarging:
    """A 1x1 convolution and the repetition of pixels commute."""

    @pytest.mark.parametrize("other_first", [True, False])
    def test_gives_the_same(self, other_first: bool) -> None:
        net = neck(other_first=other_first)

        changed = assert_exact(convolve_before_enlarging, net.model("c_out"))

        assert "Concat" not in operators(changed)
        assert node_of(changed, "c_enlarge").input[0] == "c_low"

    def test_channels_are_known_through_what_lies_between(self) -> None:
        net = Net()
        fine = net.conv("a", "x", (4, 3, 3, 3))
        coarse = net.conv("b", fine, (6, 4, 3, 3), strides=[2, 2])
        coarse = net.add("Concat", "both", net.silu("silu", coarse), pool(net, "pool", coarse, 3), axis=1)
        coarse = net.add("Add", "sum", coarse, net.add("Relu", "relu", coarse))
        joined = net.add("Concat", "joined", enlarged(net, coarse), fine, axis=1)

        assert_exact(convolve_before_enlarging, net.model(net.conv("c", joined, (5, 16, 1, 1))))

    def test_channels_are_those_of_the_wider_factor(self) -> None:
        net = Net()
        fine = net.conv("a", "x", (4, 3, 3, 3))
        coarse = net.conv("b", fine, (6, 4, 3, 3), strides=[2, 2])
        mask = net.add("Sigmoid", "mask", net.conv("one", coarse, (1, 6, 1, 1)))
        joined = net.add("Concat", "joined", enlarged(net, net.add("Mul", "masked", mask, coarse)), fine, axis=1)

        assert_exact(convolve_before_enlarging, net.model(net.conv("c", joined, (5, 10, 1, 1))))

    def test_both_parts_enlarged(self) -> None:
        net = Net()
        fine = net.conv("a", "x", (4, 3, 3, 3), strides=[2, 2])
        up = enlarged(net, fine)
        joined = net.add("Concat", "joined", up, net.add("Neg", "negative", up), axis=1)

        assert_exact(convolve_before_enlarging, net.model(net.conv("c", joined, (5, 8, 1, 1))))

    def test_what_is_enlarged_to_a_size_is_left_alone(self) -> None:
        net = Net()
        fine = net.conv("a", "x", (4, 3, 3, 3))
        coarse = net.conv("b", fine, (6, 4, 3, 3), strides=[2, 2])
        joined = net.add("Concat", "joined", enlarged(net, coarse, sizes=[2, 6, 16, 24]), fine, axis=1)

        assert_left_alone(convolve_before_enlarging, net.model(net.conv("c", joined, (5, 10, 1, 1))))

    @pytest.mark.parametrize(
        "net",
        [
            neck(mode="linear"),
            neck(strides=[2, 2]),
            neck(pads=[1, 1, 1, 1]),
            neck(bias=False),
        ],
        ids=["blended", "stride", "padded", "no bias"],
    )
    def test_other_graphs_are_left_alone(self, net: Net) -> None:
        assert_left_alone(convolve_before_enlarging, net.model("c_out"))

    def test_wider_and_grouped_convolutions_are_left_alone(self) -> None:
        for shape, group in (((5, 10, 3, 3), 1), ((4, 5, 1, 1), 2)):
            net = neck()
            net.nodes.pop()
            model = net.model(net.conv("c", "joined_out", shape, group=group))

            assert_left_alone(convolve_before_enlarging, model)

    def test_a_concat_along_the_rows_is_left_alone(self) -> None:
        net = Net()
        coarse = net.conv("a", "x", (4, 3, 3, 3), strides=[2, 2])
        joined = net.add("Concat", "joined", enlarged(net, coarse), net.conv("b", "x", (4, 3, 3, 3)), axis=2)

        assert_left_alone(convolve_before_enlarging, net.model(net.conv("c", joined, (5, 4, 1, 1))))

    def test_weights_that_are_computed_are_left_alone(self) -> None:
        net = neck()
        conv = net.nodes.pop()
        conv.input[1] = net.add("Neg", "negative", "c_w")
        net.nodes.append(conv)

        assert_left_alone(convolve_before_enlarging, net.model("c_out"))

    def test_the_enlarged_tensor_stays_for_others_that_read_it(self) -> None:
        net = neck()
        model = net.model("c_out", net.add("Neg", "negative", "enlarge_out"))

        changed = assert_exact(convolve_before_enlarging, model)

        assert operators(changed).count("Resize") == 2
