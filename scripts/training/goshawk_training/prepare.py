"""Scenes from the simulator, rendered in chunks and brought to the network's scale once, before training."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .augment import resized
from .config import LABELS, ModelConfig
from .data import Scene, StoreWriter

CHUNK = 500
WIDTH, HEIGHT = 640, 360
"""Scenes are rendered at the camera's size and shrunk as the runtime shrinks them: rendering at the network's size
instead would show edges and noise that the runtime never sees."""


@dataclass(frozen=True)
class Simulation:
    """Which scenes: chunk k of a data set has the seed `seed + k`, so `ceil(count / CHUNK)` seeds are used."""

    command: tuple[str, ...]
    seed: int
    count: int
    workers: int = 2
    average: bool = True
    """how they are shrunk, see augment.resized"""

    def chunks(self) -> list[tuple[int, int]]:
        """Seed and count of each call of the simulator."""
        full, rest = divmod(self.count, CHUNK)
        counts = [CHUNK] * full + ([rest] if rest else [])
        return [(self.seed + k, count) for k, count in enumerate(counts)]


def prepare(simulation: Simulation, out: Path, config: ModelConfig) -> dict[str, Any]:
    """Fills the store `out` and returns its description."""
    described = {
        "seeds": [seed for seed, _ in simulation.chunks()],
        "chunk": CHUNK,
        "sourceWidth": WIDTH,
        "sourceHeight": HEIGHT,
        "resize": "average" if simulation.average else "bilinear",
    }
    scale = min(config.input_width / WIDTH, config.input_height / HEIGHT)
    writer = StoreWriter(out)
    version, begun, done = "", time.monotonic(), 0
    for seed, count in simulation.chunks():
        with tempfile.TemporaryDirectory(dir=out) as folder:
            rendered = Path(folder) / "scenes"
            version = _render(simulation, seed, count, rendered)
            for scene in read_rendered(rendered):
                picture = resized(scene.picture, scale, average=simulation.average)
                writer.add(Scene(picture, scene.boxes * np.float32(scale), scene.classes))
        done += count
        speed = done / (time.monotonic() - begun)
        print(f"{done}/{simulation.count} scenes, {(simulation.count - done) / speed / 60:.1f} min left", flush=True)
    return writer.close({**described, "simulator": version})


def read_rendered(folder: Path) -> Iterator[Scene]:
    """The scenes of `goshawk simulate --format raw`: `frames.u8` and `boxes.json`, rows of class, x1, y1, x2, y2."""
    described = json.loads((folder / "boxes.json").read_text())
    if tuple(described["labels"]) != LABELS:
        raise ValueError(f"{folder} has the labels {described['labels']}, not {list(LABELS)}")
    shape = (described["count"], described["height"], described["width"], 3)
    frames = np.memmap(folder / "frames.u8", np.uint8, "r", shape=shape)
    for picture, rows in zip(frames, described["boxes"], strict=True):
        table = np.array(rows, np.float32).reshape(-1, 5)
        yield Scene(picture, table[:, 1:], table[:, 0].astype(np.int64))


def _render(simulation: Simulation, seed: int, count: int, out: Path) -> str:
    command = [
        *simulation.command,
        *("--format", "raw", "--out", str(out), "--count", str(count), "--seed", str(seed)),
        *("--width", str(WIDTH), "--height", str(HEIGHT), "--workers", str(simulation.workers)),
    ]
    if shutil.which(command[0]) is None:
        raise ValueError(f"{command[0]} is not on PATH; it renders the scenes")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ValueError(f"`{' '.join(command)}` ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return str(json.loads((out / "boxes.json").read_text())["simulator"])
