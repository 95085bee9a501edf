"""Goshawk, through its build and command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .boxes import Box

PROJECT = Path(__file__).resolve().parents[3]
DETECT = Path(__file__).resolve().parents[1] / "detect.mjs"
IMAGES, SEED = 4, 77


class RefusedError(Exception):
    """The runtime refused a file, for its stated reason."""


@dataclass(frozen=True)
class Imported:
    """A bundle that was imported from a file."""

    bundle: Path
    head: str


class Runtime:
    """Runs the commands of a build, with outputs in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def drawn(self, width: int, height: int) -> list[Path]:
        """Images of that size, drawn once."""
        out = self._folder / f"images-{width}x{height}"
        if not out.exists():
            size = ("--width", str(width), "--height", str(height))
            count = ("--count", str(IMAGES), "--seed", str(SEED))
            done = _goshawk("simulate", "--out", str(out), *count, *size, "--image", "png")
            if done.returncode != 0:
                raise RuntimeError(done.stderr)
        return sorted((out / "images").glob("*.png"))

    def imported(self, file: Path, name: str, flags: tuple[str, ...]) -> Imported:
        """Imports a file as a bundle."""
        models = self._folder / "models"
        done = _goshawk("models", "import", str(file), "--out", str(models), "--name", name, *flags)
        if done.returncode != 0:
            raise RefusedError(_reason(done.stderr.strip().splitlines()[-1]))
        found = re.search(r"^head +(\w+)", done.stdout, re.MULTILINE)
        return Imported(models / name / "1.0.0", found.group(1) if found else "?")

    def detect(
        self, bundle: Path, images: list[Path], *, score: float, iou: float, every_class: bool
    ) -> list[list[Box]]:
        """Detections of the runtime: preprocessing, graph, decoder and suppression."""
        arguments = [str(bundle), str(score), str(iou), "every" if every_class else "best", *map(str, images)]
        done = subprocess.run([_node(), str(DETECT), *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip()[-500:])
        return [
            [Box(tuple(corners), score, label) for corners, score, label in rows] for rows in json.loads(done.stdout)
        ]


def _node() -> str:
    """The Node that Goshawk runs on, chosen as `scripts/bin/goshawk` does."""
    given = os.environ.get("GOSHAWK_NODE")
    if given:
        return given
    own = PROJECT / ".tools/runtime/node"
    return str(own) if os.access(own, os.X_OK) else "node"


def _goshawk(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [_node(), str(PROJECT / "dist/cli.js"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _reason(line: str) -> str:
    """The reason within `GOSHAWK_..: FILE is not a detector that Goshawk supports: REASON (what to do)`."""
    found = re.search(r"is not a detector that Goshawk supports: (.*) \(export a", line)
    return found.group(1) if found else re.sub(r"/\S*/", "", line)
