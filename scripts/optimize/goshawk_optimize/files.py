"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import onnx


def write_atomic(path: Path, fill: Callable[[BinaryIO], object]) -> int:
    """Has `fill` write beside `path`, then renames. Returns the bytes; on any failure `path` is as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return path.stat().st_size


def write_model(path: Path, model: onnx.ModelProto) -> int:
    """Writes a model that passes ONNX's checker with full shape inference. Returns the bytes."""
    onnx.checker.check_model(model, full_check=True)
    return write_atomic(path, lambda file: file.write(model.SerializeToString(deterministic=True)))
