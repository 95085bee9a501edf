"""Golden vectors for mosaics, made by OpenCV.

    python3 -m venv /tmp/opencv && /tmp/opencv/bin/pip install opencv-python-headless numpy
    /tmp/opencv/bin/python test/core/image/golden/make_bayer.py

writes bayer.json next to this script; samples are base64 in little-endian order, rows without padding. OpenCV
names a mosaic by the second and third sample of its second row, ROS by its first four: rggb is COLOR_BayerBG.
Of 16 bits the high byte is kept.
"""

import base64
import json
import pathlib

import cv2
import numpy as np

HERE = pathlib.Path(__file__).parent
CODES = {
    "bayer_rggb": cv2.COLOR_BayerBG2RGB,
    "bayer_bggr": cv2.COLOR_BayerRG2RGB,
    "bayer_gbrg": cv2.COLOR_BayerGR2RGB,
    "bayer_grbg": cv2.COLOR_BayerGB2RGB,
}
SIZES = ((33, 20), (18, 9), (4, 4), (3, 3), (7, 5))


def b64(array: np.ndarray) -> str:
    """The bytes of an array, as they lie."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def main() -> None:
    """Writes noise in every pattern, depth and size, and what OpenCV makes of it."""
    rng = np.random.default_rng(11)
    vectors = []
    for name, code in CODES.items():
        for bits in (8, 16):
            for width, height in SIZES:
                kind = np.uint8 if bits == 8 else np.dtype("<u2")
                source = rng.integers(0, 2**bits, (height, width), dtype=kind)
                rgb = cv2.cvtColor(source, code)
                small = (rgb >> (bits - 8)).astype(np.uint8)
                entry = {"encoding": f"{name}{bits}", "width": width, "height": height}
                vectors.append({**entry, "source": b64(source), "rgb": b64(small)})
    (HERE / "bayer.json").write_text(json.dumps({"opencv": cv2.__version__, "vectors": vectors}, indent=1) + "\n")


if __name__ == "__main__":
    main()
