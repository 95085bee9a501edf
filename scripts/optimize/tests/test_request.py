"""Fields of a request have the expected type, or are refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goshawk_optimize.errors import OpError
from goshawk_optimize.request import Request

READERS: dict[str, Callable[[Request], object]] = {
    "text": lambda request: request.text("field"),
    "path": lambda request: request.path("field"),
    "integer": lambda request: request.integer("field"),
    "number": lambda request: request.number("field"),
    "choice": lambda request: request.choice("field", ("this", "that")),
}


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [
        ("text", "abc", "abc"),
        ("path", "/a/b", Path("/a/b")),
        ("integer", 3, 3),
        ("number", 3, 3.0),
        ("number", 2.5, 2.5),
        ("choice", "that", "that"),
    ],
)
def test_a_field_of_its_kind_is_read(reader: str, value: object, expected: object) -> None:
    assert READERS[reader](Request({"field": value})) == expected


@pytest.mark.parametrize("reader", list(READERS))
@pytest.mark.parametrize("fields", [{}, {"field": None}])
def test_a_missing_field_is_named(reader: str, fields: dict[str, Any]) -> None:
    with pytest.raises(OpError, match="the scheme lacks field") as caught:
        READERS[reader](Request(fields, "the scheme"))

    assert caught.value.kind == "unsupported"


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        ("text", 3),
        ("path", ["a"]),
        ("integer", 3.5),
        ("integer", "3"),
        ("integer", True),
        ("number", "3"),
        ("number", False),
        ("choice", "other"),
        ("choice", 1),
    ],
)
def test_a_field_of_another_kind_is_named(reader: str, value: object) -> None:
    with pytest.raises(OpError, match="field of the scheme") as caught:
        READERS[reader](Request({"field": value}, "the scheme"))

    assert caught.value.kind == "unsupported"


def test_a_choice_tells_what_there_is() -> None:
    with pytest.raises(OpError, match="this, that"):
        READERS["choice"](Request({"field": "other"}))


def test_defaults_stand_for_what_is_missing() -> None:
    request = Request({"null": None})

    assert request.text("none", "a") == "a"
    assert request.integer("null", 4) == 4
    assert request.number("none", 0.5) == 0.5
    assert request.choice("none", ("x", "y"), "y") == "y"
    assert request.flag("none", True)
    assert not request.flag("none")
    assert request.texts("none") == []
    assert request.part("none").fields == {}


def test_flags_are_truth_values() -> None:
    assert not Request({"field": False}).flag("field", True)
    with pytest.raises(OpError, match="field"):
        Request({"field": 1}).flag("field")


def test_texts_are_a_list_of_texts() -> None:
    assert Request({"field": ["a", "b"]}).texts("field") == ["a", "b"]
    for value in (["a", 1], "ab", [None]):
        with pytest.raises(OpError, match="field"):
            Request({"field": value}).texts("field")


def test_a_part_is_read_under_its_own_name() -> None:
    part = Request({"scheme": {"percentile": "high"}}).part("scheme")

    with pytest.raises(OpError, match="percentile of scheme"):
        part.number("percentile")
    with pytest.raises(OpError, match="scheme of the request"):
        Request({"scheme": []}).part("scheme")


def test_null_is_as_good_as_absent() -> None:
    request = Request({"there": 0, "null": None})

    assert [request.has(name) for name in ("there", "null", "absent")] == [True, False, False]


class TestImages:
    """A raw file of bytes [count, height, width, 3]."""

    def request(self, path: Path, **fields: object) -> Request:
        return Request({"pictures": str(path), "count": 2, "height": 4, "width": 5, **fields})

    def write(self, path: Path, size: int) -> None:
        path.write_bytes(bytes(i % 251 for i in range(size)))

    def test_the_first_ones_are_read(self, tmp_path: Path) -> None:
        self.write(tmp_path / "raw", 3 * 60)

        found = self.request(tmp_path / "raw").images()

        assert (found.shape, found.dtype) == ((2, 4, 5, 3), np.uint8)
        np.testing.assert_array_equal(found.ravel(), [i % 251 for i in range(120)])

    def test_a_file_that_is_too_short_is_refused(self, tmp_path: Path) -> None:
        self.write(tmp_path / "raw", 119)

        with pytest.raises(OpError, match="119 bytes, less than the 120"):
            self.request(tmp_path / "raw").images()

    @pytest.mark.parametrize("field", ["count", "height", "width"])
    def test_an_empty_shape_is_refused(self, tmp_path: Path, field: str) -> None:
        self.write(tmp_path / "raw", 120)
        for value in (0, -1):
            with pytest.raises(OpError, match="shape"):
                self.request(tmp_path / "raw", **{field: value}).images()

    def test_a_file_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match="raw"):
            self.request(tmp_path / "raw").images()
