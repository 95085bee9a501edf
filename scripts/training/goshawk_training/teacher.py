"""A teacher's outputs for training images: computed now, or read from a file created once next to the store."""

from __future__ import annotations

import fcntl
import json
import time
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from .augment import NOT_PLAIN, letterboxed, mirrored
from .config import STRIDES, ModelConfig
from .data import SceneStore
from .device import CPU
from .loader import Batch
from .model import Detector
from .resident import LOADED_AT_ONCE, ResidentScenes, plain_plan

CACHE_BATCH = 16
SECONDS_BETWEEN_NOTES = 20.0


class Teacher(Protocol):
    """Outputs for a batch: raw predictions [B, N, 5 + C], float32, and for which images they are valid, bool [B]."""

    def __call__(self, batch: Batch) -> tuple[Tensor, Tensor]: ...


class LiveTeacher:
    """Runs on each image: norms folded (in place), bf16 if the CPU has it, without gradients."""

    def __init__(self, model: Detector, bf16: bool = True, device: torch.device = CPU) -> None:
        self._model = model.eval().fuse().to(device, memory_format=torch.channels_last)
        self._bf16, self._device = bf16, device

    def look(self, images: Tensor) -> Tensor:
        """Raw predictions [B, N, 5 + C] for images [B, 3, H, W] of 0..255."""
        with torch.inference_mode(), torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._bf16):
            raw = self._model(images.to(self._device, memory_format=torch.channels_last))
        # out of inference mode: the loss keeps it for its backward pass
        return raw.float().clone()

    def __call__(self, batch: Batch) -> tuple[Tensor, Tensor]:
        return self.look(batch.images), torch.ones(len(batch.images), dtype=torch.bool, device=self._device)


class CachedTeacher:
    """Reads the stored outputs for the plain view of each scene and its mirror image, whatever colors an image has now.

    For other views it asks `live`, or has no outputs.
    """

    def __init__(self, answers: np.ndarray, live: LiveTeacher | None = None) -> None:
        self._answers, self._live = answers, live

    def __call__(self, batch: Batch) -> tuple[Tensor, Tensor]:
        plain = torch.from_numpy(batch.views != NOT_PLAIN)
        raw = torch.zeros(len(batch.views), *self._answers.shape[1:])
        raw[plain] = torch.from_numpy(self._answers[batch.views[plain.numpy()]]).float()
        device = batch.images.device
        raw, plain = raw.to(device), plain.to(device)
        if self._live is None:
            return raw, plain
        if not plain.all():
            raw[~plain] = self._live.look(batch.images[~plain])
        return raw, torch.ones_like(plain)


class ResidentTeacher:
    """Like CachedTeacher, but computed up front and kept in device memory [2 * scenes, N, 5 + C], float16."""

    def __init__(self, store: SceneStore, teacher: LiveTeacher, config: ModelConfig, device: torch.device) -> None:
        cells = sum((config.input_width // s) * (config.input_height // s) for s in STRIDES)
        shape = (2 * len(store), cells, 5 + config.classes)
        begun = time.monotonic()
        self._answers = torch.empty(shape, dtype=torch.float16, device=device)
        for first in range(0, len(store), LOADED_AT_ONCE):
            last = min(len(store), first + LOADED_AT_ONCE)
            scenes = ResidentScenes(store, device, first, last)
            for mirror in (False, True):
                plan = plain_plan(np.arange(first, last), store, config, mirror=mirror)
                self._answers[2 * first + mirror : 2 * last : 2] = teacher.look(scenes.draw(plan, config)).half()
        print(f"teacher outputs: {2 * len(store)} views in {time.monotonic() - begun:.1f} s", flush=True)

    def __call__(self, batch: Batch) -> tuple[Tensor, Tensor]:
        views = torch.from_numpy(batch.views).to(self._answers.device)
        return self._answers[views.clamp(min=0)].float(), views != NOT_PLAIN


def cache_files(store: SceneStore, teacher_digest: str) -> tuple[Path, Path]:
    """The outputs and their description."""
    answers = store.folder / f"teacher-{teacher_digest[:16]}.f16"
    return answers, answers.with_suffix(".json")


def cached_answers(store: SceneStore, teacher: LiveTeacher, teacher_digest: str, config: ModelConfig) -> np.ndarray:
    """The teacher's outputs [2 * scenes, N, 5 + C], float16, memory-mapped; computed first if they are missing.

    Row 2 * i is scene i letterboxed, row 2 * i + 1 its mirror image. The files belong to one teacher and one store by
    their digests; an interrupted computation is resumed.
    """
    file, note = cache_files(store, teacher_digest)
    cells = sum((config.input_width // s) * (config.input_height // s) for s in STRIDES)
    shape = (2 * len(store), cells, 5 + config.classes)
    described = {"teacher": teacher_digest, "data": store.meta["digest"], "shape": list(shape)}
    with note.with_suffix(".lock").open("w") as lock:
        # one process of a run computes them; the others wait and find them
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = 0
        if note.exists() and file.exists():
            known = json.loads(note.read_text())
            if {k: known.get(k) for k in described} == described:
                done = int(known["done"])
        if done < len(store):
            answers = np.memmap(file, np.float16, "r+" if done else "w+", shape=shape)
            _fill(answers, store, teacher, config, done, note, described)
    return np.memmap(file, np.float16, "r", shape=shape)


def _fill(
    answers: np.memmap,
    store: SceneStore,
    teacher: LiveTeacher,
    config: ModelConfig,
    done: int,
    note: Path,
    described: dict[str, object],
) -> None:
    begun, first, noted = time.monotonic(), done, time.monotonic()
    while done < len(store):
        end = min(len(store), done + CACHE_BATCH)
        boxed = [letterboxed(store[i], config) for i in range(done, end)]
        views = np.stack([view.image for scene in boxed for view in (scene, mirrored(scene))])
        looked = teacher.look(torch.from_numpy(views).permute(0, 3, 1, 2).float())
        answers[2 * done : 2 * end] = looked.cpu().numpy()
        done = end
        if time.monotonic() - noted > SECONDS_BETWEEN_NOTES or done == len(store):
            # data first, then the note of how far it goes
            answers.flush()
            _write(note, {**described, "done": done})
            noted = time.monotonic()
            left = (noted - begun) / (done - first) * (len(store) - done) / 60
            print(f"teacher outputs: {done}/{len(store)} scenes, {left:.1f} min left", flush=True)


def _write(path: Path, value: dict[str, object]) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(value) + "\n")
    partial.rename(path)
