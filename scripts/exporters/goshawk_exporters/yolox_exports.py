"""YOLOX's own exports (trained weights), undecoded and with `--decode_in_inference`, read like in its demo."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from .boxes import Box
from .case import Case, Exported, Limits, Workbench

EXPORTER = "YOLOX"
STRIDES = (8, 16, 32)


def cases(shared: Path | None) -> list[Case]:
    """Empty without a folder of the trained networks, which no registry has."""
    if shared is None:
        return []
    sizes = [(416, 416), (640, 640)]
    return [
        Case("yolox-nano", f"{width}x{height}{' decoded' if decoded else ''}", _maker(shared, width, height, decoded))
        for width, height in sizes
        for decoded in (False, True)
    ]


def _maker(shared: Path, width: int, height: int, decoded: bool):  # noqa: ANN202 - the type of Case.make
    def make(bench: Workbench) -> Exported:
        file = shared / f"yolox_nano_{width}.onnx"
        images = bench.images(width, height)
        limits = Limits(score=0.1, iou=0.45)
        own = [_predict(file, image, width, height, limits) for image in images]
        if decoded:
            file = _decode_inside(file, bench.folder / f"{bench.name}.onnx", width, height)
        return Exported(file, images, own, limits, ("--labels", "coco80"))

    return make


def _grid(width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Column and row [N, 2], and stride [N, 1] of each cell."""
    cells, strides = [], []
    for stride in STRIDES:
        columns, rows = width // stride, height // stride
        x, y = np.meshgrid(np.arange(columns), np.arange(rows))
        cells.append(np.stack([x, y], 2).reshape(-1, 2))
        strides.append(np.full((columns * rows, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)


def _predict(file: Path, image: Path, width: int, height: int, limits: Limits) -> list[Box]:
    """`demo_postprocess` and suppression by class of YOLOX's ONNX Runtime demo."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    values = cv2.imread(str(image)).transpose(2, 0, 1)[None].astype(np.float32)
    (rows,) = session.run(None, {session.get_inputs()[0].name: values})[0]
    cells, strides = _grid(width, height)
    centers, sizes = (rows[:, :2] + cells) * strides, np.exp(rows[:, 2:4]) * strides
    corners = np.concatenate([centers - sizes / 2, centers + sizes / 2], 1)
    scores = rows[:, 4:5] * rows[:, 5:]
    labels, best = scores.argmax(1), scores.max(1)
    found: list[Box] = []
    for label in np.unique(labels[best > limits.score]):
        chosen = np.flatnonzero((labels == label) & (best > limits.score))
        boxes = [[x1, y1, x2 - x1, y2 - y1] for x1, y1, x2, y2 in corners[chosen].tolist()]
        kept = cv2.dnn.NMSBoxes(boxes, best[chosen].tolist(), limits.score, limits.iou)
        found += [Box(tuple(corners[chosen[i]].tolist()), float(best[chosen[i]]), int(label)) for i in kept]
    return found


def _decode_inside(file: Path, out: Path, width: int, height: int) -> Path:
    """The same network followed by the arithmetic of `decode_outputs`."""
    model = onnx.load(str(file))
    graph = model.graph
    raw = graph.output[0].name
    cells, strides = _grid(width, height)

    def constant(name: str, values: np.ndarray) -> str:
        graph.initializer.append(numpy_helper.from_array(values, name))
        return name

    def node(op: str, inputs: list[str], output: str, **attributes: int) -> str:
        graph.node.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def part(output: str, start: int, end: int) -> str:
        bounds = [constant(f"{output}_{i}", np.array([value])) for i, value in enumerate((start, end, 2))]
        return node("Slice", [raw, *bounds], output)

    stride = constant("decode_strides", strides[None])
    centers = node(
        "Mul", [node("Add", [part("raw_xy", 0, 2), constant("decode_cells", cells[None])], "on_grid"), stride], "xy"
    )
    sizes = node("Mul", [node("Exp", [part("raw_wh", 2, 4)], "grown"), stride], "wh")
    node("Concat", [centers, sizes, part("scores", 4, 85)], "decoded", axis=2)
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("decoded", TensorProto.FLOAT, [1, len(cells), 85]))
    onnx.save(model, str(out))
    return out
