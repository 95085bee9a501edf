"""Degrades pictures by imagecorruptions, the library of Michaelis et al. 2019, for `goshawk drift fit --degraded`.

    python3 -m venv .tools/degrade && .tools/degrade/bin/pip install -r scripts/drift/requirements.txt
    .tools/degrade/bin/pip uninstall -y opencv-python
    .tools/degrade/bin/pip install --force-reinstall --no-deps opencv-python-headless==4.10.0.84
    .tools/degrade/bin/python scripts/drift/degrade_pictures.py ../shared/coco-mini/val degraded/val

Writes DIR/CORRUPTION/STRENGTH/FILE. Files keep their names and are PNG inside, whatever the name says: JPEG would
degrade them once more. Files that are there already are kept, so an interrupted run goes on from there. Glass blur and
elastic transform are left out: the first does not run with these versions, the second moves objects away from their
boxes.
"""

import argparse
import pathlib
import zlib

import numpy as np
from imagecorruptions import corrupt, get_corruption_names
from PIL import Image, ImageOps

LEFT_OUT = {"glass_blur", "elastic_transform"}


def degrade(source: pathlib.Path, target: pathlib.Path, strengths: list[int]) -> None:
    """Degrades every picture of a folder, with random numbers that follow from its name."""
    for file in sorted(source.iterdir()):
        picture = np.asarray(ImageOps.exif_transpose(Image.open(file)).convert("RGB"))
        for name in get_corruption_names():
            for strength in strengths:
                made = target / name / str(strength) / file.name
                if name not in LEFT_OUT and not made.exists():
                    write(made, degraded(picture, file.name, name, strength))


def degraded(picture: np.ndarray, file: str, name: str, strength: int) -> np.ndarray:
    """One picture, degraded in one way. The library uses NumPy's global generator."""
    np.random.seed(zlib.crc32(f"{file} {name} {strength}".encode()))
    return np.uint8(corrupt(picture, corruption_name=name, severity=strength))


def write(made: pathlib.Path, picture: np.ndarray) -> None:
    """A file has its name once it is whole."""
    made.parent.mkdir(parents=True, exist_ok=True)
    part = made.with_suffix(".part")
    Image.fromarray(picture).save(part, format="PNG", compress_level=1)
    part.rename(made)


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=pathlib.Path)
    parser.add_argument("target", type=pathlib.Path)
    parser.add_argument("--strengths", type=int, nargs="+", default=[1, 3, 5], choices=range(1, 6))
    options = parser.parse_args()
    if not options.pictures.is_dir():
        parser.error(f"there is no folder {options.pictures}: pass one with pictures")
    degrade(options.pictures, options.target, options.strengths)


if __name__ == "__main__":
    main()
