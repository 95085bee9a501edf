"""Every exception becomes a kind that a caller can act on, and a reason."""

from __future__ import annotations

import errno

import onnx
import onnxruntime
import pytest
from conftest import Net, run, sample_images
from google.protobuf.message import DecodeError

from goshawk_optimize.errors import OpError, describe


@pytest.mark.parametrize("kind", ["no-space", "bad-model", "unsupported", "internal"])
def test_an_error_of_an_op_is_what_it_says(kind: str) -> None:
    assert describe(OpError(kind, "because")) == (kind, "because")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_told_with_the_file(number: int) -> None:
    kind, reason = describe(OSError(number, "full", "/out/net.onnx"))

    assert kind == "no-space"
    assert "/out/net.onnx" in reason


def test_other_errors_of_the_disk_are_no_lack_of_space() -> None:
    assert describe(PermissionError(errno.EACCES, "denied", "/out"))[0] == "internal"


def test_a_missing_file_is_named() -> None:
    assert describe(FileNotFoundError(errno.ENOENT, "none", "/in/net.onnx")) == (
        "unsupported",
        "there is no /in/net.onnx",
    )


def test_what_onnx_and_its_runtime_refuse_is_a_bad_model() -> None:
    net = Net()
    nowhere = net.model(net.conv("a", "nowhere", (4, 3, 3, 3)))
    narrow = Net()
    wrong = narrow.model(narrow.conv("a", "x", (4, 5, 3, 3)))
    flat = Net()
    no_axis = flat.model(flat.add("Concat", "joined", "x", "x", axis=9))
    attempts = [
        lambda: onnx.ModelProto().ParseFromString(b"no model"),
        lambda: onnx.checker.check_model(nowhere),
        lambda: onnx.shape_inference.infer_shapes(no_axis, strict_mode=True),
        lambda: onnxruntime.InferenceSession(b"no model", providers=["CPUExecutionProvider"]),
        lambda: run(nowhere, sample_images(1)),
        lambda: run(wrong, sample_images(1)),
    ]
    kinds = []
    for attempt in attempts:
        try:
            attempt()
            kinds.append("none")
        except Exception as error:
            kinds.append(describe(error)[0])

    assert kinds == ["bad-model"] * len(attempts)


def test_everything_else_is_internal_and_told_with_its_type() -> None:
    assert describe(KeyError("x")) == ("internal", "KeyError: 'x'")
    assert describe(MemoryError()) == ("internal", "out of memory")


def test_a_reason_is_one_line_and_never_empty() -> None:
    assert describe(ValueError("a\n  b\tc"))[1] == "ValueError: a b c"
    assert describe(DecodeError())[1] == "DecodeError"
