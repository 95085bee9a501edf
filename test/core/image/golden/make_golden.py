"""Golden vectors for pixel conversion and resizing, made by OpenCV.

    python3 -m venv /tmp/opencv && /tmp/opencv/bin/pip install opencv-python-headless numpy
    /tmp/opencv/bin/python test/core/image/golden/make_golden.py

writes vectors.json next to this script; pixels are base64, rows without padding.
"""

import base64
import json
import pathlib

import cv2
import numpy as np

HERE = pathlib.Path(__file__).parent
rng = np.random.default_rng(7)


def b64(array):
    return base64.b64encode(np.ascontiguousarray(array, dtype=np.uint8).tobytes()).decode()


def conversions():
    """encoding -> source bytes and the RGB that OpenCV makes of them"""
    width, height = 32, 20
    codes = {
        "bgr8": ((height, width, 3), cv2.COLOR_BGR2RGB),
        "rgba8": ((height, width, 4), cv2.COLOR_RGBA2RGB),
        "bgra8": ((height, width, 4), cv2.COLOR_BGRA2RGB),
        "mono8": ((height, width, 1), cv2.COLOR_GRAY2RGB),
        "uyvy": ((height, width, 2), cv2.COLOR_YUV2RGB_UYVY),
        "yuyv": ((height, width, 2), cv2.COLOR_YUV2RGB_YUY2),
        "nv12": ((height * 3 // 2, width), cv2.COLOR_YUV2RGB_NV12),
        "i420": ((height * 3 // 2, width), cv2.COLOR_YUV2RGB_I420),
    }
    result = []
    for encoding, (shape, code) in codes.items():
        source = rng.integers(0, 256, shape, dtype=np.uint8)
        # corners of the range, where clamping happens, in the first rows
        source.reshape(-1)[:96] = rng.choice(np.array([0, 1, 15, 16, 17, 128, 235, 236, 254, 255], dtype=np.uint8), 96)
        rgb = cv2.cvtColor(source, code)
        result.append({"encoding": encoding, "width": width, "height": height, "source": b64(source), "rgb": b64(rgb)})
    return result


def picture(width, height):
    """structure at several scales, and noise: what resizing gets wrong shows"""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    waves = np.stack([np.sin(x / 3) + np.cos(y / 5), np.sin((x + y) / 7), np.cos(x * y / 200)], axis=-1)
    noise = rng.normal(0, 12, (height, width, 3))
    return np.clip(128 + waves * 50 + noise, 0, 255).astype(np.uint8)


def resizes():
    result = []
    sizes = ((97, 61, 64, 40), (97, 61, 31, 20), (40, 30, 100, 75), (64, 48, 32, 24), (5, 3, 20, 12))
    for width, height, to_width, to_height in sizes:
        source = picture(width, height)
        resized = cv2.resize(source, (to_width, to_height), interpolation=cv2.INTER_LINEAR)
        result.append(
            {
                "width": width,
                "height": height,
                "toWidth": to_width,
                "toHeight": to_height,
                "source": b64(source),
                "resized": b64(resized),
            }
        )
    return result


def main():
    vectors = {
        "opencv": cv2.__version__,
        "conversions": conversions(),
        "resizes": resizes(),
    }
    (HERE / "vectors.json").write_text(json.dumps(vectors, indent=1) + "\n")


if __name__ == "__main__":
    main()
