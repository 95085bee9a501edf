"""Makes statistics.json: features of letterboxed images, and C and R of boxes, by numpy and OpenCV.

    pip install numpy opencv-python-headless && python test/core/drift/golden/make.py

Images follow from a formula in whole numbers, which the test computes as well. Filters run over whole patches by
OpenCV, and boxes are compared in matrices, unlike the code under test.
"""

import json
import pathlib

import cv2
import numpy as np

COLUMNS, ROWS, SIDE = 32, 18, 4


def image(kind, width, height, spacing):
    """RGB; `spacing` is the number of source pixels from one pixel to the next."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    with np.errstate(over="ignore"):
        h = x.astype(np.uint32) * np.uint32(374761393) + y.astype(np.uint32) * np.uint32(668265263)
        h = h + c.astype(np.uint32) * np.uint32(2246822519)
        h = (h ^ (h >> np.uint32(13))) * np.uint32(1274126177)
    hashed = (h >> np.uint32(24)).astype(np.int64)
    if kind == "noise":
        values = hashed
    elif kind == "texture":
        values = (x * 3 + y * 2 + ((x * x + 3 * y * y + 57 * c) >> 4)) & 255
    elif kind == "blocks":
        across = np.floor((x + 0.5) * spacing / 8).astype(np.int64)
        down = np.floor((y + 0.5) * spacing / 8).astype(np.int64)
        values = (across * 53 + down * 97 + 11 * c) & 255
    elif kind == "dark":
        values = np.where(x % 16 == 0, 255, hashed >> 5)
    else:
        values = np.full(x.shape, {"gray": 128, "black": 0, "white": 255}[kind])
    return values.astype(np.uint8)


def places(size, parts):
    starts = []
    for i in range(parts):
        start = int(np.floor((i + 0.5) * (size / parts))) - 2 + i % SIDE - 1
        starts.append(max(0, min(size - SIDE, start)))
    return [[min(size - 1, s + k) for k in range(SIDE)] for s in starts]


def share(one, other):
    return float(one / (one + other)) if one + other > 0 else 0.5


def features(rgb, spacing):
    height, width, _ = rgb.shape
    xs, ys = places(width, COLUMNS), places(height, ROWS)
    patches = [rgb[np.ix_(py, px)].astype(np.float64) for py in ys for px in xs]
    colors = np.stack(patches)
    gray = colors @ np.array([299.0, 587.0, 114.0]) / 1000
    inner = np.s_[1:-1, 1:-1]
    laplacian = np.stack([cv2.Laplacian(g, cv2.CV_64F, ksize=1)[inner] for g in gray])
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float64)
    response = np.stack([cv2.filter2D(g, cv2.CV_64F, kernel)[inner] for g in gray])
    top, bottom = colors.max(axis=3), colors.min(axis=3)
    saturation = np.where(top > 0, (top - bottom) / np.where(top > 0, top, 1), 0)
    histogram = np.bincount(np.minimum(63, (gray // 4).astype(int)).ravel(), minlength=64)
    p = histogram[histogram > 0] / histogram.sum()
    red, green, blue = colors.reshape(-1, 3).sum(axis=0)
    across, within = [], []

    def block(pixel: float) -> int:
        return int(np.floor((pixel + 0.5) * spacing / 8))

    for index, g in enumerate(gray):
        px, py = xs[index % COLUMNS], ys[index // COLUMNS]
        for i in range(SIDE - 1):
            sideways = np.abs(np.diff(g, axis=1))[:, i].tolist()
            (across if block(px[i]) != block(px[i + 1]) else within).extend(sideways)
            downward = np.abs(np.diff(g, axis=0))[i, :].tolist()
            (across if block(py[i]) != block(py[i + 1]) else within).extend(downward)
    blockiness = share(np.mean(across), np.mean(within)) if across and within else 0.5
    return {
        "brightness": gray.mean() / 255,
        "contrast": gray.std() / 255,
        "saturation": saturation.mean(),
        "sharpness": laplacian.std(),
        "noise": np.sqrt(np.pi / 2) / 6 * np.abs(response).mean(),
        "entropy": max(0.0, float(-(p * np.log2(p)).sum())),
        "red_balance": share(red, green),
        "blue_balance": share(blue, green),
        "blockiness": blockiness,
        "black_share": (gray <= 8).mean(),
        "blown_share": (gray >= 247).mean(),
    }, directions(gray), gray.mean(axis=(1, 2)), np.abs(response).mean(axis=(1, 2))


def directions(gray):
    inner = np.s_[1:-1, 1:-1]
    dx = np.stack([cv2.Sobel(g, cv2.CV_64F, 1, 0, ksize=3, scale=1 / 8)[inner] for g in gray])
    dy = np.stack([cv2.Sobel(g, cv2.CV_64F, 0, 1, ksize=3, scale=1 / 8)[inner] for g in gray])
    squared = dx**2 + dy**2
    weight = np.minimum(16, np.sqrt(squared + 1e-3))
    turned = weight * np.sin(4 * np.arctan2(dy, dx)) * (squared / (squared + 1e-3)) ** 2
    columns = gray.mean(axis=1)
    beside = (columns[:, :-2] + columns[:, 2:]) / 2
    return {
        "roll": (1 + turned.sum() / (1 + weight.sum())) / 2,
        "streaks": (np.abs(columns[:, 1:-1] - beside).max(axis=1) > 2).mean(),
    }


def images():
    cases = []
    sizes = [(416, 234, 1280 / 416), (640, 360, 2.0), (128, 72, 1.0), (60, 3, 4.0), (3, 60, 4.0)]
    for width, height, spacing in sizes:
        for kind in ("noise", "texture", "blocks", "dark", "gray", "black", "white"):
            values, turns, patches, rough = features(image(kind, width, height, spacing), spacing)
            cases.append(dict(kind=kind, width=width, height=height, spacing=spacing,
                              features={k: round(float(v), 9) for k, v in values.items()},
                              directions={k: round(float(v), 9) for k, v in turns.items()},
                              roughness=[round(float(v), 6) for v in rough[[0, 17, 300, 575]]],
                              patches=[round(float(v), 6) for v in patches[[0, 17, 300, 575]]]))
    return cases


def iou_matrix(a, b):
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.prod(np.clip(high - low, 0, None), axis=2)
    return common / (areas(a)[:, None] + areas(b)[None] - common)


def areas(boxes):
    return np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)


def center_of(box):
    return (box[:2] + box[2:]) / 2


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def agreement(boxes, scores, classes, threshold):
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] > 0.05]
    overlaps = iou_matrix(boxes, boxes)
    left, kept, removed = list(order), [], []
    while left:
        best = left.pop(0)
        gone = [j for j in left if classes[j] == classes[best] and overlaps[best, j] > threshold]
        kept.append(best)
        removed.append([j for j in gone if overlaps[best, j] > 0.5])
        left = [j for j in left if j not in gone]
    consistency = reliable = total = 0.0
    for i, others in zip(kept, removed):
        weights = (0.1 + 0.9 * sigmoid(20 * (scores[others] - 0.4))).sum() if others else 0.0
        total += weights
        reliable += weights if scores[i] > 0.4 else 0.0
        if not others:
            continue
        hull = np.concatenate([boxes[others][:, :2].min(axis=0), boxes[others][:, 2:].max(axis=0)])
        distance = np.linalg.norm(center_of(boxes[i]) - center_of(hull))
        radius = np.linalg.norm(boxes[i][2:] - boxes[i][:2]) / 2
        overlap = iou_matrix(boxes[i : i + 1], hull[None])[0, 0]
        consistency += (overlap / 2 + (1 - distance / radius) / 2) * sigmoid(-10 * (scores[i] - 0.4))
    return dict(candidates=len(order), kept=len(kept), consistency=consistency, reliable=reliable, overlapping=total)


def crowds(rng):
    cases = []
    for count, threshold in ((0, 0.5), (1, 0.5), (40, 0.45), (80, 0.65), (200, 0.5)):
        centers = rng.uniform(40, 380, (max(1, count // 8), 2))
        sizes = rng.uniform(20, 80, (len(centers), 2))
        of = rng.integers(0, len(centers), count)
        middle = centers[of] + rng.normal(0, 4, (count, 2))
        half = sizes[of] / 2 * rng.uniform(0.85, 1.15, (count, 2))
        boxes = np.concatenate([middle - half, middle + half], axis=1).astype(np.float32).astype(np.float64)
        scores = (rng.uniform(0, 1, count) ** 3).astype(np.float32).astype(np.float64)
        classes = rng.integers(0, 2, len(centers))[of] if count else np.zeros(0, dtype=int)
        cases.append(dict(threshold=threshold, boxes=[round(float(v), 4) for v in boxes.ravel()],
                          scores=[round(float(v), 6) for v in scores], classes=[int(v) for v in classes]))
    for case in cases:
        boxes = np.array(case["boxes"], dtype=np.float32).astype(np.float64).reshape(-1, 4)
        scores = np.array(case["scores"], dtype=np.float32).astype(np.float64)
        case["expected"] = agreement(boxes, scores, np.array(case["classes"]), case["threshold"])
    return cases


def main():
    here = pathlib.Path(__file__).parent
    golden = dict(images=images(), crowds=crowds(np.random.default_rng(13)))
    (here / "statistics.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


main()
