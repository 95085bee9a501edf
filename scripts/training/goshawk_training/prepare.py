"""Renders scenes with the simulator in chunks and scales them to the network once, before training."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .augment import resized
from .config import LABELS, ModelConfig
from .data import Scene, StoreWriter

CHUNK = 500
WIDTH, HEIGHT = 640, 360
"""Scenes are rendered at the camera's size and scaled down as in the runtime: rendering at the network's size instead
would show edges and noise that the runtime never sees."""
RESIZES = {True: "average", False: "bilinear"}
"""Values of the stores' descriptions for `Simulation.average`."""


@dataclass(frozen=True)
class Simulation:
    """Which scenes: chunk k of a data set has the seed `seed + k`, so `ceil(count / chunk)` seeds are used."""

    command: tuple[str, ...]
    seed: int
    count: int
    workers: int = 2
    """threads per simulator call"""
    average: bool = True
    """how they are scaled down, see augment.resized"""
    jobs: int = 1
    """chunks rendered in parallel, each by its own processes"""
    chunk: int = CHUNK
    max_seconds: float = 0.0
    """no chunk starts that would end later; the store then has fewer than `count` scenes. 0: no limit"""

    def chunks(self) -> list[tuple[int, int]]:
        """Seed and count of each call of the simulator."""
        full, rest = divmod(self.count, self.chunk)
        counts = [self.chunk] * full + ([rest] if rest else [])
        return [(self.seed + k, count) for k, count in enumerate(counts)]


@dataclass(frozen=True)
class _Rendered:
    """A chunk that is already scaled: `folder` has a file of scenes for each method."""

    folder: Path
    count: int
    seconds: float
    version: str


def prepare(
    simulation: Simulation, out: Path, config: ModelConfig, *, bilinear_out: Path | None = None
) -> dict[str, Any]:
    """Fills the store `out` and returns its description.

    `bilinear_out` gets the same scenes, rendered once, scaled by interpolation.
    """
    begun = time.monotonic()
    writers = {simulation.average: StoreWriter(out)}
    if bilinear_out is not None:
        if not simulation.average:
            raise ValueError("--bilinear-out needs --resize average: otherwise both stores would be the same")
        writers[False] = StoreWriter(bilinear_out)
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=out)))
        # one thread per store: writing and hashing keep up with the disk, and stay in order
        appending = {
            average: stack.enter_context(ThreadPoolExecutor(1, f"append-{RESIZES[average]}")) for average in writers
        }
        done, version = 0, ""
        waiting: list[Future[None]] = []
        seeds: list[int] = []
        for seed, chunk in _chunks(simulation, work, tuple(writers), config, begun):
            waiting += [
                appending[average].submit(_append, writer, chunk.folder / RESIZES[average])
                for average, writer in writers.items()
            ]
            done, version = done + chunk.count, chunk.version
            seeds.append(seed)
            speed = done / (time.monotonic() - begun)
            left = (simulation.count - done) / speed / 60
            print(f"{done}/{simulation.count} scenes, {speed:.0f}/s, {left:.1f} min left", flush=True)
        for appended in waiting:
            appended.result()
    described = {"seeds": seeds, "chunk": simulation.chunk, "sourceWidth": WIDTH, "sourceHeight": HEIGHT}
    metas = {
        average: writer.close({**described, "resize": RESIZES[average], "simulator": version})
        for average, writer in writers.items()
    }
    return metas[simulation.average]


def _chunks(
    simulation: Simulation, work: Path, averages: tuple[bool, ...], config: ModelConfig, begun: float
) -> Iterator[tuple[int, _Rendered]]:
    """Chunks in order, `jobs` in parallel, until the time is up."""
    if simulation.jobs == 1:
        longest = 0.0
        for seed, count in simulation.chunks():
            if not _in_time(simulation, begun, longest):
                return
            chunk = _render_chunk(simulation, seed, count, work, averages, config)
            longest = max(longest, chunk.seconds)
            yield seed, chunk
        return
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(
        simulation.jobs, mp_context=context, initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        todo = simulation.chunks()
        running: dict[Future[_Rendered], int] = {}
        finished: dict[int, _Rendered] = {}
        started, given, longest = 0, 0, 0.0
        while True:
            while started < len(todo) and len(running) < simulation.jobs and _in_time(simulation, begun, longest):
                future = pool.submit(_render_chunk, simulation, *todo[started], work, averages, config)
                running[future] = started
                started += 1
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                finished[running.pop(future)] = chunk = future.result()
                longest = max(longest, chunk.seconds)
            while given in finished:
                yield todo[given][0], finished.pop(given)
                given += 1


def _in_time(simulation: Simulation, begun: float, longest: float) -> bool:
    """Whether another chunk would end within the limit if it were as slow as the slowest so far."""
    return not simulation.max_seconds or time.monotonic() - begun + longest < simulation.max_seconds


def _render_chunk(
    simulation: Simulation, seed: int, count: int, work: Path, averages: tuple[bool, ...], config: ModelConfig
) -> _Rendered:
    begun = time.monotonic()
    scale = min(config.input_width / WIDTH, config.input_height / HEIGHT)
    folder = work / str(seed)
    rendered = folder / "scenes"
    folder.mkdir()
    version = _render(simulation, seed, count, rendered)
    for average in averages:
        with (folder / RESIZES[average]).open("wb") as file:
            for scene in read_rendered(rendered):
                image = resized(scene.image, scale, average=average)
                np.save(file, image)
                np.save(file, scene.boxes * np.float32(scale))
                np.save(file, scene.classes)
    shutil.rmtree(rendered)
    return _Rendered(folder, count, time.monotonic() - begun, version)


def _append(writer: StoreWriter, path: Path) -> None:
    """Moves the scenes of a chunk's file to the end of a store."""
    size = path.stat().st_size
    with path.open("rb") as file:
        while file.tell() < size:
            image, boxes, classes = (np.load(file, allow_pickle=False) for _ in range(3))
            writer.add(Scene(image, boxes, classes))
    path.unlink()


def read_rendered(folder: Path) -> Iterator[Scene]:
    """The scenes of `goshawk simulate --format raw`: `frames.u8` and `boxes.json`, rows of class, x1, y1, x2, y2."""
    described = json.loads((folder / "boxes.json").read_text())
    if tuple(described["labels"]) != LABELS:
        raise ValueError(f"{folder} has the labels {described['labels']}, not {list(LABELS)}")
    shape = (described["count"], described["height"], described["width"], 3)
    frames = np.memmap(folder / "frames.u8", np.uint8, "r", shape=shape)
    for image, rows in zip(frames, described["boxes"], strict=True):
        table = np.array(rows, np.float32).reshape(-1, 5)
        yield Scene(image, table[:, 1:], table[:, 0].astype(np.int64))


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
        raise ValueError(f"`{' '.join(command)}` exited with code {done.returncode}: {done.stderr.strip()[-500:]}")
    return str(json.loads((out / "boxes.json").read_text())["simulator"])
