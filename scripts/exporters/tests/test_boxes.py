"""Matching of boxes."""

from __future__ import annotations

from goshawk_exporters.boxes import Box, Comparison, clipped, compare, is_empty

ONE = Box((10, 10, 20, 20), 0.9, 1)


def moved(box: Box, by: float, score: float = 0.0, label: int | None = None) -> Box:
    corners = tuple(value + by for value in box.corners)
    return Box(corners, box.score + score, box.label if label is None else label)


def test_the_nearest_of_the_class_is_taken_once() -> None:
    other = moved(ONE, 1.0, -0.01)
    assert compare([ONE, other], [moved(other, 0.25), moved(ONE, 0.5)]) == Comparison(2, 2, 2, 0.5, 0.0)
    assert compare([ONE, ONE], [ONE]).matched == 1


def test_another_class_score_or_place_is_no_match() -> None:
    for found in (moved(ONE, 0, label=2), moved(ONE, 0, -0.1), moved(ONE, 4)):
        assert compare([ONE], [found]) == Comparison(1, 0, 1, 0.0, 0.0)


def test_what_lies_beyond_the_image_is_cut() -> None:
    assert clipped(Box((-5, 2, 30, 12), 0.5, 0), 20, 10).corners == (0, 2, 20, 10)
    assert is_empty(clipped(Box((-5, 2, -1, 12), 0.5, 0), 20, 10))
