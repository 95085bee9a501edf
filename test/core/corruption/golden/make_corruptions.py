"""Makes corruptions.json: small pictures corrupted by NumPy and OpenCV.

    pip install numpy opencv-python-headless && python test/core/corruption/golden/make_corruptions.py
"""

import colorsys
import json
import pathlib

import cv2
import numpy as np

HERE = pathlib.Path(__file__).parent
WIDTH, HEIGHT = 14, 13


def rounded(values):
    return np.clip(np.rint(values), 0, 255).astype(int).reshape(-1).tolist()


def disk(radius):
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    kernel = (x * x + y * y <= radius * radius).astype(float)
    return kernel / kernel.sum()


def defocus(picture, radius):
    return cv2.filter2D(picture, cv2.CV_64F, disk(radius), borderType=cv2.BORDER_REPLICATE)


def hsv(picture, change):
    out = np.empty_like(picture)
    for i, pixel in enumerate(picture.reshape(-1, 3) / 255):
        h, s, v = change(*colorsys.rgb_to_hsv(*pixel))
        out.reshape(-1, 3)[i] = 255 * np.array(colorsys.hsv_to_rgb(h, min(1, s), min(1, v)))
    return out


def contrast(picture, share):
    means = picture.mean(axis=(0, 1), keepdims=True)
    return (picture - means) * share + means


def main():
    picture = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, 3)).astype(float)
    cases = []
    for strength, (radius, added, share, left, factor) in enumerate(
        zip(
            (1, 2, 3, 4, 6),
            (0.1, 0.2, 0.3, 0.4, 0.5),
            (0.8, 0.6, 0.45, 0.3, 0.2),
            (0.6, 0.45, 0.3, 0.2, 0.12),
            ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)),
            strict=True,
        ),
        start=1,
    ):
        made = {
            "defocus_blur": defocus(picture, radius),
            "brightness": hsv(picture, lambda h, s, v, a=added: (h, s, v + a)),
            "darkness": hsv(picture, lambda h, s, v, a=left: (h, s, v * a)),
            "saturate": hsv(picture, lambda h, s, v, f=factor: (h, s * f[0] + f[1], v)),
            "contrast": contrast(picture, share),
        }
        cases += [dict(corruption=name, strength=strength, pixels=rounded(values)) for name, values in made.items()]
    golden = dict(width=WIDTH, height=HEIGHT, picture=rounded(picture), cases=cases)
    (HERE / "corruptions.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
