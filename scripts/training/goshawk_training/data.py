"""Scenes on disk, as the trainer reads them: a memory-mapped file of pixels, and one of boxes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

IMAGES, TARGETS, META = "pictures.u8", "targets.npz", "meta.json"


@dataclass(frozen=True)
class Scene:
    """One image with its objects."""

    image: np.ndarray
    """[H, W, 3] uint8 RGB"""
    boxes: np.ndarray
    """[M, 4] float32, corner form, image pixels"""
    classes: np.ndarray
    """[M] int64"""


class SceneStore:
    """Scenes of one size. Pixels are read through the page cache; nothing is decoded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.meta: dict[str, Any] = json.loads((folder / META).read_text())
        self.count, self.height, self.width = (int(self.meta[k]) for k in ("count", "height", "width"))
        self._images = np.memmap(folder / IMAGES, np.uint8, "r", shape=(self.count, self.height, self.width, 3))
        with np.load(folder / TARGETS) as targets:
            self._boxes, self._classes, self._ends = targets["boxes"], targets["classes"], targets["ends"]

    def __len__(self) -> int:
        return self.count

    @property
    def images(self) -> np.ndarray:
        """[N, H, W, 3] uint8 RGB, memory-mapped."""
        return self._images

    @property
    def objects(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Boxes [M, 4] and classes [M] of all scenes in order, and the end index of each scene, [N]."""
        return self._boxes, self._classes, self._ends

    def __getitem__(self, index: int) -> Scene:
        begin = int(self._ends[index - 1]) if index > 0 else 0
        end = int(self._ends[index])
        return Scene(self._images[index], self._boxes[begin:end], self._classes[begin:end])


def same_scenes(store: SceneStore, other: SceneStore) -> SceneStore:
    """Returns `store` if both have the same scenes in the same order, however each was scaled; else raises."""
    for key in ("simulator", "seeds", "chunk", "count", "width", "height"):
        if store.meta.get(key) != other.meta.get(key):
            raise ValueError(f"{store.folder} and {other.folder} have different scenes: they differ in {key}")
    return store


def refuse_shared(store: SceneStore, validation: SceneStore) -> None:
    """Refuses to validate on scenes that are trained on, by seed or by pixels."""
    if store.meta.get("simulator") == validation.meta.get("simulator"):
        seeds = sorted(set(store.meta.get("seeds", [])) & set(validation.meta.get("seeds", [])))
        if seeds:
            raise ValueError(
                f"{validation.folder} has scenes that are also in {store.folder}, drawn by the seed {seeds[0]}: "
                "render the validation scenes with other seeds"
            )
    shared = _shared_images(store, validation)
    if shared:
        one, other = shared[0]
        raise ValueError(
            f"{len(shared)} scenes of {validation.folder} are also in {store.folder}, pixel by pixel "
            f"(scene {other} is scene {one} there): validation would use training data"
        )


def _shared_images(store: SceneStore, validation: SceneStore) -> list[tuple[int, int]]:
    """Indices of equal images in one store and in the other."""
    if (store.height, store.width) != (validation.height, validation.width):
        return []
    # a row in the middle distinguishes nearly all: only one page per image of a large store is read
    middle = store.height // 2
    rows: dict[bytes, list[int]] = {}
    for index, image in enumerate(validation.images):
        rows.setdefault(image[middle].tobytes(), []).append(index)
    return [
        (index, other)
        for index, image in enumerate(store.images)
        for other in rows.get(image[middle].tobytes(), [])
        if np.array_equal(image, validation.images[other])
    ]


class StoreWriter:
    """Writes a store scene by scene; readable after `close`, which is atomic."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / META).unlink(missing_ok=True)
        self.folder = folder
        self._file = (folder / IMAGES).open("wb")
        self._digest = hashlib.sha256()
        self._boxes: list[np.ndarray] = []
        self._classes: list[np.ndarray] = []
        self._shape: tuple[int, ...] | None = None

    def add(self, scene: Scene) -> None:
        """Appends a scene; all must have the size of the first."""
        if self._shape is None:
            self._shape = scene.image.shape
        if scene.image.shape != self._shape or scene.image.dtype != np.uint8:
            raise ValueError(f"a scene is {scene.image.shape}, the store has {self._shape} of uint8")
        pixels = np.ascontiguousarray(scene.image).tobytes()
        boxes = scene.boxes.astype(np.float32).reshape(-1, 4)
        self._file.write(pixels)
        self._digest.update(pixels)
        self._digest.update(boxes.tobytes())
        self._boxes.append(boxes)
        self._classes.append(scene.classes.astype(np.int64).reshape(-1))

    def close(self, meta: dict[str, Any]) -> dict[str, Any]:
        """Writes boxes and description (with `count`, `digest`) and returns the description."""
        self._file.close()
        if self._shape is None:
            raise ValueError(f"{self.folder}: no scene was added")
        np.savez(
            self.folder / TARGETS,
            boxes=np.concatenate(self._boxes),
            classes=np.concatenate(self._classes),
            ends=np.cumsum([len(c) for c in self._classes]),
        )
        height, width = self._shape[:2]
        full = {
            **meta,
            "count": len(self._boxes),
            "height": height,
            "width": width,
            "digest": self._digest.hexdigest(),
        }
        partial = self.folder / f"{META}.partial"
        partial.write_text(json.dumps(full, indent=2) + "\n")
        partial.rename(self.folder / META)
        return full
