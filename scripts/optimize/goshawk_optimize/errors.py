"""Failures that a caller can distinguish."""

from __future__ import annotations

import errno
from typing import Literal

from google.protobuf.message import DecodeError
from onnx.checker import ValidationError
from onnx.shape_inference import InferenceError
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

ErrorKind = Literal["no-space", "bad-model", "unsupported", "internal"]

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_BAD_MODEL = (
    DecodeError,
    ValidationError,
    InferenceError,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.InvalidArgument,
    ort_errors.Fail,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


class OpError(Exception):
    """Answers with an error of kind `kind`; `reason` says what is at fault and what would help."""

    def __init__(self, kind: ErrorKind, reason: str) -> None:
        super().__init__(reason)
        self.kind: ErrorKind = kind
        self.reason = reason


def describe(error: BaseException) -> tuple[ErrorKind, str]:
    """Kind and reason for any exception of an op."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, OpError):
        return error.kind, error.reason
    if isinstance(error, OSError) and error.errno in _NO_SPACE:
        return "no-space", f"{error.filename or 'the output'}: no space left: free some space or choose another folder"
    if isinstance(error, FileNotFoundError):
        return "unsupported", f"there is no {error.filename}"
    if isinstance(error, MemoryError):
        return "internal", "out of memory"
    if isinstance(error, _BAD_MODEL):
        return "bad-model", text
    return "internal", f"{type(error).__name__}: {text}"
