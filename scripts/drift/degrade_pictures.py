"""Degrades pictures by imagecorruptions, the library of Michaelis et al. 2019, for `goshawk drift fit --degraded`.

    python3 -m venv .tools/degrade && .tools/degrade/bin/pip install -r scripts/drift/requirements.txt
    .tools/degrade/bin/pip uninstall -y opencv-python
    .tools/degrade/bin/pip install --force-reinstall --no-deps opencv-python-headless==4.10.0.84
    .tools/degrade/bin/python scripts/drift/degrade_pictures.py ../shared/coco-mini/val degraded/val

Writes DIR/CORRUPTION/STRENGTH/FILE. Files keep their names and are PNG inside, whatever the name says: JPEG would
degrade them once more. Files that are there already are kept, so an interrupted run goes on from there. A file that is
no picture is named and left out, and the exit status is 1. Glass blur and elastic transform are left out: the first
does not run with these versions, the second moves objects away from their boxes.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LEFT_OUT = {"glass_blur", "elastic_transform"}
INTERRUPTED = 130


@dataclass(frozen=True)
class Library:
    """What does the work: `read` throws for what is no picture, `save` writes PNG."""

    names: list[str]
    read: Callable[[pathlib.Path], Any]
    degrade: Callable[[Any, str, str, int], Any]
    save: Callable[[Any, pathlib.Path], None]


def imagecorruptions() -> Library:
    """The library itself, which needs an environment of its own."""
    try:
        import numpy as np
        from imagecorruptions import corrupt, get_corruption_names
        from PIL import Image, ImageOps
    except ImportError as error:
        sys.exit(f"degrade_pictures: {error}; the first lines of {__file__} say how to install it")

    def degrade(picture: Any, file: str, name: str, strength: int) -> Any:
        # The library uses NumPy's global generator: the numbers follow from the name.
        np.random.seed(zlib.crc32(f"{file} {name} {strength}".encode()))
        return np.uint8(corrupt(picture, corruption_name=name, severity=strength))

    return Library(
        names=get_corruption_names(),
        read=lambda file: np.asarray(ImageOps.exif_transpose(Image.open(file)).convert("RGB")),
        degrade=degrade,
        save=lambda picture, part: Image.fromarray(picture).save(part, format="PNG", compress_level=1),
    )


def degrade_all(source: pathlib.Path, target: pathlib.Path, strengths: list[int], library: Library) -> list[str]:
    """Degrades every picture of a folder; returns what was wrong with those that are none."""
    refused = []
    for file in sorted(source.iterdir()):
        if file.name.startswith(".") or not file.is_file():
            continue
        ways = [(name, strength) for name in library.names if name not in LEFT_OUT for strength in strengths]
        missing = [way for way in ways if not made_for(target, file, *way).exists()]
        if not missing:
            continue
        try:
            picture = library.read(file)
        except (OSError, ValueError, SyntaxError) as error:
            refused.append(f"{file} is no picture: {error}")
            continue
        for name, strength in missing:
            write(made_for(target, file, name, strength), library.degrade(picture, file.name, name, strength), library)
    return refused


def made_for(target: pathlib.Path, file: pathlib.Path, name: str, strength: int) -> pathlib.Path:
    return target / name / str(strength) / file.name


def write(made: pathlib.Path, picture: Any, library: Library) -> None:
    """A file has its name once it is whole, and nothing stays of one that does not get there."""
    made.parent.mkdir(parents=True, exist_ok=True)
    part = made.with_name(f"{made.name}.part")
    try:
        library.save(picture, part)
        part.rename(made)
    finally:
        part.unlink(missing_ok=True)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=pathlib.Path)
    parser.add_argument("target", type=pathlib.Path)
    parser.add_argument("--strengths", type=int, nargs="+", default=[1, 3, 5], choices=range(1, 6))
    options = parser.parse_args(arguments)
    if not options.pictures.is_dir():
        parser.error(f"there is no folder {options.pictures}: pass one with pictures")
    if not any(file.is_file() for file in options.pictures.iterdir()):
        parser.error(f"{options.pictures} has no file")
    if options.target.exists() and not options.target.is_dir():
        parser.error(f"{options.target} is not a folder")
    return options


def main(arguments: list[str], open_library: Callable[[], Library] = imagecorruptions) -> int:
    """Returns the exit status."""
    options = parse(arguments)
    library = open_library()
    try:
        refused = degrade_all(options.pictures, options.target, options.strengths, library)
    except KeyboardInterrupt:
        print("degrade_pictures: interrupted; the same command goes on from there", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        print(f"degrade_pictures: {error}; the same command goes on from there", file=sys.stderr)
        return 1
    for line in refused:
        print(line, file=sys.stderr)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
