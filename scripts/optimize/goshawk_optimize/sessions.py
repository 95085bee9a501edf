"""Running models on images."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper

Values = list[NDArray[Any]]


def open_session(model: ModelProto | bytes, *, optimize: bool = True) -> onnxruntime.InferenceSession:
    """A CPU session that uses little memory, does not spin, and computes 8 bits exactly on every CPU.

    With `optimize` False, nothing is fused.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.x64quantprecision", "1")
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimize else levels.ORT_ENABLE_BASIC
    data = model if isinstance(model, bytes) else model.SerializeToString()
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def run_images(session: onnxruntime.InferenceSession, images: NDArray[np.uint8]) -> Iterator[Values]:
    """Outputs of each image separately."""
    name = session.get_inputs()[0].name
    for image in images:
        yield session.run(None, {name: np.ascontiguousarray(image[None])})


def with_outputs(model: ModelProto, names: list[str]) -> ModelProto:
    """A copy whose outputs are `names`, float tensors of any shape."""
    copy = ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    return copy
