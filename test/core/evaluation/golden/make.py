"""Makes coco.json: data sets of random boxes, detections of them, and what pycocotools says.

    pip install numpy pycocotools && python test/core/evaluation/golden/make.py
"""

import contextlib
import io
import json
import pathlib

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def data_set(rng, name, images, categories, objects, empty=(), crowd=0.1, jitter=0.12, ties=False, flood=0):
    """`objects` per picture on average; categories in `empty` have detections but no object; `flood` extra false
    boxes in picture 0."""
    # ids out of order and with gaps, as in COCO
    image_ids = [int(i) for i in rng.permutation(np.arange(images) * 7 + 3)]
    category_ids = [int(i) for i in np.arange(categories) * 3 + 2]
    annotations, detections = [], []

    def score(high):
        value = rng.beta(5, 2) if high else rng.beta(2, 5)
        return round(float(value), 1 if ties else 4)

    for image in image_ids:
        for _ in range(rng.poisson(objects)):
            k = int(rng.integers(categories))
            if k in empty:
                continue
            side = float(rng.choice([16, 32, 60, 96, 150]))
            box = np.array([*rng.uniform(0, 400, 2), side, side * rng.choice([1, 0.5, 1.5])]).round(2)
            is_crowd = int(rng.uniform() < crowd)
            # some areas on the very edge of a range
            area = float(box[2] * box[3]) if rng.uniform() < 0.5 else float(round(box[2] * box[3] * 0.7, 3))
            annotations.append(dict(id=len(annotations) + 1, image_id=image, category_id=category_ids[k],
                                    bbox=box.tolist(), area=area, iscrowd=is_crowd))
            for _ in range(rng.poisson(4 if is_crowd else 1.4)):
                noise = rng.normal(0, jitter, 4) * box[[2, 3, 2, 3]]
                found = (box + noise).round(2)
                found[2:] = np.maximum(found[2:], 1)
                label = category_ids[k] if rng.uniform() < 0.85 else category_ids[int(rng.integers(categories))]
                detections.append(dict(image_id=image, category_id=label, bbox=found.tolist(), score=score(True)))
        for _ in range(rng.poisson(2)):
            box = np.r_[rng.uniform(0, 400, 2), rng.uniform(5, 150, 2)].round(2)
            detections.append(dict(image_id=image, category_id=category_ids[int(rng.integers(categories))],
                                   bbox=box.tolist(), score=score(False)))
    for _ in range(flood):
        box = np.r_[rng.uniform(0, 400, 2), rng.uniform(5, 150, 2)].round(2)
        detections.append(
            dict(image_id=image_ids[0], category_id=category_ids[0], bbox=box.tolist(), score=score(False))
        )
    detections = [detections[i] for i in rng.permutation(len(detections))]
    return dict(
        name=name,
        annotations=dict(
            images=[dict(id=i, file_name=f"{i:012d}.jpg", width=640, height=640) for i in image_ids],
            annotations=annotations,
            categories=[dict(id=i, name=f"class {i}") for i in category_ids],
        ),
        detections=detections,
    )


def evaluate(entry):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = entry["annotations"]
        truth.createIndex()
        if entry["detections"]:
            found = truth.loadRes(entry["detections"])
        else:
            found = COCO()
            found.dataset = dict(entry["annotations"], annotations=[])
            found.createIndex()
        e = COCOeval(truth, found, "bbox")
        e.evaluate()
        e.accumulate()
        e.summarize()
    p = e.eval["precision"]
    ids = sorted(c["id"] for c in entry["annotations"]["categories"])
    by_class = {}
    for k, category in enumerate(ids):
        s = p[:, :, k, 0, 2]
        by_class[str(category)] = dict(
            ap=float(s.mean()) if s.max() > -1 else None,
            ap50=float(s[0].mean()) if s.max() > -1 else None,
            precision50=[round(float(v), 12) for v in s[0]] if s.max() > -1 else None,
        )
    return dict(stats=[float(v) for v in e.stats], byClass=by_class)


def main():
    rng = np.random.default_rng(2017)
    sets = [
        data_set(rng, "crowds and many classes", 40, 6, 5, empty=(3,), crowd=0.15),
        data_set(rng, "equal scores", 25, 3, 6, ties=True),
        data_set(rng, "more than 100 detections in a picture", 6, 2, 12, flood=180),
        data_set(rng, "tight boxes", 20, 2, 4, jitter=0.02, crowd=0.0),
        data_set(rng, "one picture", 1, 1, 9, crowd=0.0),
    ]
    nothing = data_set(rng, "no detections", 3, 2, 4)
    nothing["detections"] = []
    no_object = data_set(rng, "no object that counts", 4, 2, 3, crowd=1.1)
    for entry in [*sets, nothing, no_object]:
        entry["expected"] = evaluate(entry)
    text = json.dumps([*sets, nothing, no_object], separators=(",", ":"))
    pathlib.Path(__file__).with_name("coco.json").write_text(text.replace('{"name"', '\n{"name"') + "\n")


if __name__ == "__main__":
    main()
