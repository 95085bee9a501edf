"""Matches the boxes of two programs."""

from __future__ import annotations

from dataclasses import dataclass

PIXELS, SCORE = 3.0, 0.03
"""Boxes of one class match if no edge differs by more than this many pixels and the scores by no more than that."""


@dataclass(frozen=True)
class Box:
    """A detection in the pixels of its image."""

    corners: tuple[float, float, float, float]
    score: float
    label: int


@dataclass(frozen=True)
class Comparison:
    """How much one program finds of what another found."""

    wanted: int
    matched: int
    found: int
    pixels: float
    """largest edge error among matched boxes"""
    score: float
    """largest score error among matched boxes"""

    def __add__(self, other: Comparison) -> Comparison:
        return Comparison(
            self.wanted + other.wanted,
            self.matched + other.matched,
            self.found + other.found,
            max(self.pixels, other.pixels),
            max(self.score, other.score),
        )


NOTHING = Comparison(0, 0, 0, 0.0, 0.0)


def clipped(box: Box, width: int, height: int) -> Box:
    """The part of a box inside its image, which is all that the runtime returns."""
    x1, y1, x2, y2 = box.corners
    inside = (min(max(x1, 0), width), min(max(y1, 0), height), min(max(x2, 0), width), min(max(y2, 0), height))
    return Box(inside, box.score, box.label)


def is_empty(box: Box) -> bool:
    """Whether the box has no area."""
    x1, y1, x2, y2 = box.corners
    return x2 <= x1 or y2 <= y1


def compare(wanted: list[Box], found: list[Box]) -> Comparison:
    """Matches each wanted box with the nearest remaining one of its class, best score first."""
    left = list(found)
    matched, pixels, score = 0, 0.0, 0.0
    for box in sorted(wanted, key=lambda one: -one.score):
        near = [
            (distance(box, other), abs(box.score - other.score), other)
            for other in left
            if other.label == box.label and abs(box.score - other.score) <= SCORE
        ]
        if not near:
            continue
        closest, apart, chosen = min(near, key=lambda entry: entry[:2])
        if closest > PIXELS:
            continue
        left.remove(chosen)
        matched += 1
        pixels, score = max(pixels, closest), max(score, apart)
    return Comparison(len(wanted), matched, len(found), pixels, score)


def distance(one: Box, other: Box) -> float:
    """Largest edge error, pixels."""
    return max(abs(a - b) for a, b in zip(one.corners, other.corners, strict=True))
