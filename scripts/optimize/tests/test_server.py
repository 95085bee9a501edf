"""The protocol: each line is answered with its id, and no line ends the process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from conftest import HEIGHT, WIDTH, Net, constant_of, sample_images

from goshawk_optimize.graph import attribute
from goshawk_optimize.ops import RANGES_KEY
from goshawk_optimize.server import OPS, serve

Fields = dict[str, Any]


def answers(*requests: object) -> list[Fields]:
    """All answers to these requests, given as dictionaries or raw lines."""
    sent: list[Fields] = []
    serve([item if isinstance(item, str) else json.dumps(item) for item in requests], sent.append)
    return sent


def refused(request: object) -> Fields:
    """The error of a request, after which `hello` is still answered."""
    first, second = answers(request, {"id": 2, "op": "hello"})
    assert second["ok"]["versions"]["onnxruntime"]
    assert set(first) == {"id", "error"}
    assert set(first["error"]) == {"kind", "reason"}
    return first


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model, the model with trained ranges, images, and statistics."""
    net = Net()
    first = net.add("Relu", "first", net.conv("a", "x", (8, 3, 3, 3), strides=[2, 2]))
    model = net.model(net.conv("b", net.silu("second", net.conv("c", first, (8, 8, 3, 3))), (4, 8, 1, 1)))
    onnx.save(model, tmp_path / "net.onnx")
    (tmp_path / "raw").write_bytes(sample_images(3).tobytes())
    names = ["x", "a_out", "first_out", "c_out", "second_gate_out", "second_mul_out", "b_out"]
    onnx.helper.set_model_props(model, {RANGES_KEY: json.dumps({name: [-3, 3] for name in names})})
    onnx.save(model, tmp_path / "trained.onnx")
    onnx.helper.set_model_props(model, {RANGES_KEY: '{"x": 3'})
    onnx.save(model, tmp_path / "misread.onnx")
    sent = answers(request(tmp_path, "calibrate", out="statistics"))
    assert sent[-1]["ok"]["tensors"] == len(names)
    return tmp_path


def request(folder: Path, op: str, **fields: object) -> Fields:
    """A request with its files in a folder."""
    files = {"model": "net.onnx", "out": "out.onnx", "pictures": "raw", "statistics": "statistics", **fields}
    names = ("model", "out", "pictures", "statistics")
    paths = {name: str(folder / files[name]) for name in names if files[name] is not None}
    others = {name: value for name, value in fields.items() if name not in names}
    return {"id": 1, "op": op, "count": 3, "height": HEIGHT, "width": WIDTH, **paths, **others}


def done(sent: list[Fields]) -> Fields:
    """The result, which comes last and only once."""
    assert ["ok" in answer for answer in sent] == [False] * (len(sent) - 1) + [True], sent
    return sent[-1]["ok"]


@pytest.mark.parametrize("line", ["{", "nonsense", "[1]", "3", '"text"', "null", '{"id": NaN, "op": "hello"}'])
def test_a_line_that_is_no_request_is_refused(line: str) -> None:
    first = refused(line)

    assert first["id"] is None
    assert first["error"]["kind"] == "unsupported"


def test_an_op_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    first = refused({"id": 7, "op": "explode"})

    assert first["id"] == 7
    assert first["error"]["kind"] == "unsupported"
    assert "'explode'" in first["error"]["reason"]
    assert all(name in first["error"]["reason"] for name in OPS)


@pytest.mark.parametrize("fields", [{}, {"op": 3}, {"op": None}])
def test_a_request_without_op_is_refused(fields: Fields) -> None:
    first = refused({"id": 8, **fields})

    assert (first["id"], first["error"]["kind"]) == (8, "unsupported")
    assert "op" in first["error"]["reason"]


@pytest.mark.parametrize(
    ("op", "field"),
    [
        *((op, "model") for op in OPS if op != "hello"),
        *((op, "out") for op in ("clean", "polish", "calibrate", "quantize", "weights", "dynamic", "half")),
        *((op, "statistics") for op in ("sensitivity", "quantize")),
        *((op, "pictures") for op in ("sensitivity", "calibrate")),
    ],
)
def test_a_missing_field_is_refused_by_name(folder: Path, op: str, field: str) -> None:
    before = set(folder.iterdir())

    error = refused(request(folder, op, scheme={"calibration": "minmax"}, **{field: None}))["error"]

    assert error == {"kind": "unsupported", "reason": f"the request lacks {field}"}
    assert set(folder.iterdir()) == before


@pytest.mark.parametrize("op", [op for op in OPS if op != "hello"])
def test_a_file_that_is_no_model_is_refused(folder: Path, op: str) -> None:
    (folder / "net.onnx").write_bytes(b"this is not a model")

    error = refused(request(folder, op, scheme={"calibration": "minmax"}))["error"]

    assert error["kind"] == "bad-model"
    assert "net.onnx" in error["reason"]
    assert not (folder / "out.onnx").exists()


def test_a_file_that_is_not_there_is_named(folder: Path) -> None:
    error = refused(request(folder, "clean", model="none.onnx"))["error"]

    assert error == {"kind": "unsupported", "reason": f"there is no {folder / 'none.onnx'}"}


@pytest.mark.parametrize(
    ("scheme", "word"),
    [
        ({}, "calibration"),
        ({"calibration": "guess"}, "guess"),
        ({"calibration": "percentile", "percentile": 101}, "percentile"),
        ({"calibration": "minmax", "target": "moon"}, "moon"),
        ({"calibration": "minmax", "opTypes": "some"}, "some"),
        ({"calibration": "minmax", "keepFloat": ["nowhere"]}, "nowhere"),
        ({"calibration": "minmax", "keepFloat": "a"}, "keepFloat"),
        ({"calibration": "minmax", "perChannel": "yes"}, "perChannel"),
        ({"calibration": "trained"}, RANGES_KEY),
    ],
)
def test_a_scheme_that_cannot_be_is_refused_and_nothing_written(folder: Path, scheme: Fields, word: str) -> None:
    error = refused(request(folder, "quantize", scheme=scheme))["error"]

    assert error["kind"] == "unsupported"
    assert word in error["reason"]
    assert not (folder / "out.onnx").exists()


def test_ranges_of_a_training_that_cannot_be_read_are_a_bad_model(folder: Path) -> None:
    error = refused(request(folder, "quantize", model="misread.onnx", scheme={"calibration": "trained"}))["error"]

    assert error["kind"] == "bad-model"
    assert RANGES_KEY in error["reason"]


def test_statistics_of_another_model_are_refused(folder: Path) -> None:
    scheme = {"calibration": "minmax"}

    error = refused(request(folder, "quantize", model="trained.onnx", scheme=scheme))["error"]

    assert error["kind"] == "unsupported"
    assert "another model" in error["reason"]


@pytest.mark.parametrize("calibration", ["minmax", "percentile", "entropy", "mse", "trained"])
@pytest.mark.parametrize("target", ["cpu", "tensorrt"])
def test_quantizes_by_every_method(folder: Path, calibration: str, target: str) -> None:
    model = "trained.onnx" if calibration == "trained" else "net.onnx"
    scheme = {"calibration": calibration, "target": target, "keepFloat": ["b"], "opTypes": "all"}

    result = done(answers(request(folder, "quantize", model=model, scheme=scheme)))

    assert result["bytes"] == (folder / "out.onnx").stat().st_size
    assert result["quantized"] == ["a", "first", "c", "second_gate", "second_mul"]
    assert result["float"] == ["planes", "cast", "b"]
    assert result["peakBytes"] > 1e6
    assert onnx.load(folder / "out.onnx").graph.output[0].name == "b_out"


def written(folder: Path, **scheme: object) -> onnx.ModelProto:
    """The model produced by a scheme."""
    done(answers(request(folder, "quantize", scheme={"calibration": "minmax", **scheme})))
    return onnx.load(folder / "out.onnx")


def test_channels_are_equalized_where_it_is_asked_for(folder: Path) -> None:
    plain, equalized = written(folder, target="tensorrt"), written(folder, target="tensorrt", equalize=True)

    assert not np.array_equal(constant_of(plain, "a_w"), constant_of(equalized, "a_w"))


def test_biases_are_corrected_where_it_is_asked_for(folder: Path) -> None:
    plain, corrected = written(folder), written(folder, biasCorrection=True)

    assert not np.array_equal(constant_of(plain, "c_b_quantized"), constant_of(corrected, "c_b_quantized"))


def test_what_stays_in_float_is_packed_where_it_is_asked_for(folder: Path) -> None:
    assert constant_of(written(folder, keepFloat=["c"]), "c_w").dtype == np.float32
    assert constant_of(written(folder, keepFloat=["c"], packFloat=True), "c_w_bytes").dtype == np.int8


@pytest.mark.parametrize(("target", "strides"), [("cpu", [2, 1]), ("tensorrt", [2, 2])])
def test_the_first_convolution_is_widened_for_the_processor_alone(
    folder: Path, target: str, strides: list[int]
) -> None:
    first = next(node for node in written(folder, target=target).graph.node if node.op_type == "Conv")

    assert list(attribute(first, "strides")) == strides


def test_every_correction_at_once(folder: Path) -> None:
    scheme = {"calibration": "mse", "equalize": True, "biasCorrection": True, "packFloat": True, "keepFloat": ["c"]}

    sent = answers(request(folder, "quantize", scheme=scheme))

    assert done(sent)["quantized"] == ["a", "first", "b"]
    assert len(sent) > 1


def test_all_in_float_with_its_biases_corrected_is_the_model(folder: Path) -> None:
    scheme = {"calibration": "minmax", "biasCorrection": True, "keepFloat": ["a", "b", "c"]}

    assert done(answers(request(folder, "quantize", scheme=scheme)))["quantized"] == []


def test_progress_comes_before_the_result(folder: Path) -> None:
    *progress, last = answers(request(folder, "calibrate", out="again"))

    assert [answer["progress"] for answer in progress] == [{"done": i, "total": 6} for i in range(1, 7)]
    assert {answer["id"] for answer in progress} == {1}
    assert "ok" in last


def test_clean_tells_what_it_did(folder: Path) -> None:
    result = done(answers(request(folder, "clean")))

    assert result["nodesBefore"] == 8
    assert result["nodesAfter"] == 8
    assert result["dynamicBatch"]
    assert result["maxAbsDifference"] < 1e-4
    assert result["steps"]


def test_polish_of_a_graph_that_needs_none(folder: Path) -> None:
    assert done(answers(request(folder, "polish")))["steps"] == []


def test_sensitivity_of_each_layer(folder: Path) -> None:
    layers = done(answers(request(folder, "sensitivity", scheme={"calibration": "minmax"})))["layers"]

    assert [layer["node"] for layer in layers] == ["a", "c", "b"]
    assert {layer["opType"] for layer in layers} == {"Conv"}
    assert layers[0]["outputShape"] == [-1, 8, HEIGHT // 2, WIDTH // 2]
    assert all(0 < layer["error"] < 0.2 for layer in layers)


@pytest.mark.parametrize(
    ("op", "scheme"),
    [("weights", {}), ("weights", {"storage": "half"}), ("weights", {"biasCorrection": True}), ("dynamic", {})],
)
def test_weights_in_fewer_bits(folder: Path, op: str, scheme: Fields) -> None:
    result = done(answers(request(folder, op, scheme=scheme)))

    assert set(result["quantized"]) == ({"a", "c", "b"} if op == "dynamic" else {"a", "c"})
    assert not set(result["quantized"]) & set(result["float"])


def test_half_floats_inside(folder: Path) -> None:
    done(answers(request(folder, "half")))

    graph = onnx.load(folder / "out.onnx").graph
    assert graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert graph.output[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert any(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in graph.initializer)


@pytest.mark.parametrize("op", ["clean", "quantize", "half"])
def test_the_same_request_gives_the_same_bytes(folder: Path, op: str) -> None:
    found = []
    for name in ("first.onnx", "second.onnx"):
        done(answers(request(folder, op, out=name, scheme={"calibration": "mse"})))
        found.append((folder / name).read_bytes())

    assert found[0] == found[1]


def test_an_output_that_cannot_be_written_is_told(folder: Path) -> None:
    (folder / "file").write_bytes(b"")

    error = refused(request(folder, "clean", out="file/out.onnx"))["error"]

    assert error["kind"] in ("internal", "unsupported")
    assert "file" in error["reason"]


def test_blank_lines_are_passed_over() -> None:
    assert [answer["id"] for answer in answers("", "\n", {"id": 5, "op": "hello"})] == [5]


def test_the_process_goes_on_after_bad_lines_and_ends_with_its_input(tmp_path: Path) -> None:
    """Stdout only carries answers, one per line; output of libraries goes elsewhere."""
    lines = ["{", '{"id": NaN, "op": "hello"}', '{"id": 2, "op": "explode"}', '{"id": 3, "op": "hello"}']
    place = Path(__file__).parents[1]

    ended = subprocess.run(
        [sys.executable, "-m", "goshawk_optimize"],
        input="\n".join(lines).encode() + b"\n",
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(place)},
        cwd=tmp_path,
        timeout=60,
    )

    sent = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [(answer["id"], "ok" in answer) for answer in sent] == [(None, False), (None, False), (2, False), (3, True)]
