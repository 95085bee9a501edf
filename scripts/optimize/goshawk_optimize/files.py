"""Atomic file writing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import onnx


def write_atomic(path: Path, fill: Callable[[BinaryIO], object]) -> int:
    """Lets `fill` write next to `path`, then renames. Returns the bytes; on failure `path` is unchanged."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path.stat().st_size


def write_model(path: Path, model: onnx.ModelProto) -> int:
    """Writes a model that passes ONNX's checker with full shape inference. Returns the bytes."""
    onnx.checker.check_model(model, full_check=True)
    return write_atomic(path, lambda file: file.write(model.SerializeToString(deterministic=True)))
