"""Files are written atomically."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import onnx
import pytest
from conftest import Net
from onnx.checker import ValidationError

from goshawk_optimize.files import write_atomic, write_model


def test_writes_into_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"

    assert write_atomic(path, lambda file: file.write(b"abc")) == 3

    assert path.read_bytes() == b"abc"


def test_a_failure_leaves_the_file_as_it_was_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")

    def fail(file: BinaryIO) -> None:
        file.write(b"half of")
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        write_atomic(path, fail)

    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_model_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    net = Net()
    model = net.model(net.conv("a", "x", (4, 3, 3, 3)))

    size = write_model(tmp_path / "net.onnx", model)

    assert (tmp_path / "net.onnx").stat().st_size == size
    assert onnx.load(tmp_path / "net.onnx") == model


def test_a_broken_model_is_not_written(tmp_path: Path) -> None:
    net = Net()
    model = net.model(net.conv("a", "nowhere", (4, 3, 3, 3)))

    with pytest.raises(ValidationError):
        write_model(tmp_path / "net.onnx", model)

    assert list(tmp_path.iterdir()) == []
