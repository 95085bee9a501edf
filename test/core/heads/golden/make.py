"""Makes heads.json: raw outputs of each head and what a numpy pipeline reads from them.

    pip install numpy && python test/core/heads/golden/make.py

The reference is vectorized over whole arrays (decode, argmax, boolean masks, IoU matrix), unlike the code under test.
"""

import base64
import json
import pathlib

import numpy as np

WIDTH, HEIGHT = 96, 64
CLASSES = 3
STRIDES = (8, 16, 32)


def grid(width, height):
    """x, y, stride of each cell in YOLOX's order."""
    parts = []
    for s in STRIDES:
        ys, xs = np.mgrid[0 : height // s, 0 : width // s]
        parts.append(np.stack([xs.ravel(), ys.ravel(), np.full(xs.size, s)], axis=1))
    return np.concatenate(parts).astype(np.float64)


def nms(boxes, scores, threshold):
    order = np.argsort(-scores, kind="stable")
    b = boxes[order]
    area = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    lt = np.maximum(b[:, None, :2], b[None, :, :2])
    rb = np.minimum(b[:, None, 2:], b[None, :, 2:])
    wh = np.clip(rb - lt, 0, None)
    inter = wh[..., 0] * wh[..., 1]
    iou = inter / (area[:, None] + area[None, :] - inter)
    alive = np.ones(len(b), bool)
    for i in range(len(b)):
        if alive[i]:
            alive[i + 1 :] &= ~(iou[i, i + 1 :] > threshold)
    return order[alive]


def xywh_to_xyxy(b):
    return np.concatenate([b[:, :2] - b[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2], axis=1)


def finish(boxes, probabilities, letterbox, settings, objectness=None):
    """Argmax class or every class, score threshold, NMS by class, back to source pixels."""
    scores = probabilities if objectness is None else objectness[:, None] * probabilities
    above = scores.astype(np.float32) > settings["scoreThreshold"]
    if not settings.get("multiLabel", False):
        above &= np.arange(CLASSES) == probabilities.argmax(axis=1)[:, None]
    rows, classes = np.nonzero(above)
    boxes, scores = boxes[rows], scores[rows, classes]
    # boxes of different classes never meet once each class has a place of its own
    shift = classes[:, None] * 10_000.0
    keep = nms(boxes + shift, scores.astype(np.float32), settings["iouThreshold"])
    return unmap(boxes[keep], scores[keep], classes[keep], letterbox, settings)


def unmap(boxes, scores, classes, letterbox, settings):
    keep = slice(0, settings["maxDetections"])
    boxes, scores, classes = boxes[keep], scores[keep], classes[keep]
    pad = np.array([letterbox["padX"], letterbox["padY"]] * 2)
    size = np.array([letterbox["sourceWidth"], letterbox["sourceHeight"]] * 2)
    boxes = np.clip((boxes - pad) / letterbox["scale"], 0, size)
    seen = ((boxes[:, 2] - boxes[:, 0]) > 0) & ((boxes[:, 3] - boxes[:, 1]) > 0)
    return {
        "boxes": boxes[seen].ravel().tolist(),
        "scores": scores[seen].tolist(),
        "classes": classes[seen].astype(int).tolist(),
    }


def tensor(array):
    array = np.asarray(array)
    kind = "int32" if array.dtype.kind == "i" else "float32"
    data = np.ascontiguousarray(array.astype("<i4" if kind == "int32" else "<f4"))
    return {"dims": list(array.shape), "kind": kind, "base64": base64.b64encode(data.tobytes()).decode()}


def clustered(rng, count):
    """Centers and sizes around a few places, so that suppression has something to do."""
    places = rng.uniform([10, 10], [WIDTH - 10, HEIGHT - 10], (6, 2))
    centers = places[rng.integers(0, len(places), count)] + rng.normal(0, 3, (count, 2))
    return np.concatenate([centers, rng.uniform(8, 40, (count, 2))], axis=1).astype(np.float32)


def probabilities(rng, shape):
    """Mostly near 0, some near 1, as a detector's."""
    return (1 / (1 + np.exp(-rng.normal(-1.0, 2.0, shape)))).astype(np.float32)


def case(name, head, outputs, letterbox, settings, batch, results):
    return {
        "name": name,
        "head": head,
        "outputs": [tensor(o) for o in outputs],
        "letterbox": letterbox,
        "settings": settings,
        "results": [results(b) for b in range(batch)],
    }


def main():
    rng = np.random.default_rng(20240611)
    cells = grid(WIDTH, HEIGHT)
    n = len(cells)
    top_left = dict(sourceWidth=200, sourceHeight=120, inputWidth=WIDTH, inputHeight=HEIGHT, scaledWidth=96,
                    scaledHeight=57, padX=0, padY=0, scale=0.48)
    center = dict(top_left, sourceWidth=100, sourceHeight=100, scaledWidth=64, scaledHeight=64, padX=16, scale=0.64)
    base = dict(scoreThreshold=0.05, iouThreshold=0.5, maxDetections=100)
    few = dict(base, iouThreshold=0.3, maxDetections=7)
    cases = []

    for name, letterbox, settings in (
        ("yolox, batch of 2", top_left, base),
        ("yolox, few detections", center, few),
    ):
        wanted = np.stack([clustered(rng, n) for _ in range(2)]).astype(np.float64)
        raw = np.concatenate(
            [wanted[..., :2] / cells[:, 2:] - cells[:, :2], np.log(wanted[..., 2:] / cells[:, 2:]),
             probabilities(rng, (2, n, 1 + CLASSES))], axis=2).astype(np.float32)
        r = raw.astype(np.float64)
        xy = (r[..., :2] + cells[:, :2]) * cells[:, 2:]
        wh = np.exp(r[..., 2:4]) * cells[:, 2:]
        boxes = np.concatenate([xy, wh], axis=2)
        cases.append(case(name, "yolox", [raw], letterbox, settings, 2, lambda b: finish(
            xywh_to_xyxy(boxes[b]).astype(np.float32).astype(np.float64), r[b, :, 5:], letterbox, settings,
            r[b, :, 4])))

    raw5 = np.concatenate([clustered(rng, 3 * n)[None], probabilities(rng, (1, 3 * n, 1 + CLASSES))], axis=2)
    r5 = raw5.astype(np.float64)
    cases.append(case("yolov5", "yolov5", [raw5], center, base, 1, lambda b: finish(
        xywh_to_xyxy(r5[b, :, :4]), r5[b, :, 5:], center, base, r5[b, :, 4])))

    raw8 = np.stack([np.concatenate([clustered(rng, n), probabilities(rng, (n, CLASSES))], axis=1).T for _ in range(2)])
    r8 = raw8.astype(np.float64)
    cases.append(case("yolov8, batch of 2", "yolov8", [raw8], center, base, 2, lambda b: finish(
        xywh_to_xyxy(r8[b, :4].T), r8[b, 4:].T, center, base)))

    rows = np.zeros((2, 20, 6), np.float32)
    for b, used in enumerate((12, 20)):
        rows[b, :used, :4] = xywh_to_xyxy(clustered(rng, used))
        rows[b, :used, 4] = np.sort(rng.uniform(0.0, 1, used))[::-1]
        rows[b, :used, 5] = rng.integers(0, CLASSES, used)

    def finished(b, used):
        d = rows[b, :used].astype(np.float64)
        d = d[d[:, 4] > base["scoreThreshold"]]
        return unmap(d[:, :4], d[:, 4], d[:, 5], top_left, base)

    cases.append(case("end2end in rows", "end2end", [rows], top_left, base, 2, lambda b: finished(b, 20)))
    used = np.array([[12], [20]], np.int32)
    parts = [used, rows[..., :4], rows[..., 4], rows[..., 5].astype(np.int32)]
    cases.append(
        case("end2end in four outputs", "end2end", parts, top_left, base, 2, lambda b: finished(b, used[b, 0]))
    )

    multi = dict(base, multiLabel=True, scoreThreshold=0.2)
    cases.append(case("yolox, multi-label", "yolox", [raw], center, multi, 2, lambda b: finish(
        xywh_to_xyxy(boxes[b]).astype(np.float32).astype(np.float64), r[b, :, 5:], center, multi, r[b, :, 4])))
    cases.append(case("yolov5, multi-label", "yolov5", [raw5], top_left, multi, 1, lambda b: finish(
        xywh_to_xyxy(r5[b, :, :4]), r5[b, :, 5:], top_left, multi, r5[b, :, 4])))
    loose = dict(multi, iouThreshold=0.7)
    cases.append(case("yolov8, multi-label, loose", "yolov8", [raw8], center, loose, 2, lambda b: finish(
        xywh_to_xyxy(r8[b, :4].T), r8[b, 4:].T, center, loose)))
    cases.append(case("yolov8, multi-label", "yolov8", [raw8], top_left, multi, 2, lambda b: finish(
        xywh_to_xyxy(r8[b, :4].T), r8[b, 4:].T, top_left, multi)))

    out = {"inputWidth": WIDTH, "inputHeight": HEIGHT, "classes": CLASSES, "cases": cases}
    pathlib.Path(__file__).with_name("heads.json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
