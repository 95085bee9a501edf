"""Prefetching on threads."""

from __future__ import annotations

import threading
from itertools import islice

import pytest

from goshawk_training.prefetch import prefetched


def test_steps_come_in_order_with_what_was_asked_when_they_were_begun() -> None:
    here = threading.get_ident()
    asked: list[int] = []

    def ask(step: int) -> int:
        assert threading.get_ident() == here
        asked.append(step)
        return 10 * step

    def make(step: int, ten: int) -> int:
        assert threading.get_ident() != here
        return ten + step

    stream = prefetched(make, ask, 3, 7, workers=2, ahead=3, name="test")
    assert next(stream) == (3, 33)
    assert asked == [3, 4, 5]
    assert list(stream) == [(4, 44), (5, 55), (6, 66)]
    endless = prefetched(make, ask, 0, None, workers=1, ahead=2, name="test")
    assert list(islice(endless, 3)) == [(0, 0), (1, 11), (2, 22)]


def test_what_a_thread_raises_is_raised_here_and_nothing_more_is_begun() -> None:
    begun: list[int] = []

    def make(step: int, _: None) -> int:
        begun.append(step)
        if step == 1:
            raise ValueError("broken scene")
        return step

    stream = prefetched(make, lambda step: None, 0, 100, workers=1, ahead=4, name="test")
    assert next(stream) == (0, 0)
    with pytest.raises(ValueError, match="broken scene"):
        next(stream)
    assert len(begun) <= 5
