"""Augmentation: mosaics of four images, scale, position, mirror, color. All draws use the given generator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .assign import Targets
from .config import PAD_VALUE, ModelConfig, TrainConfig
from .data import Scene, SceneStore

LEAST_VISIBLE = 0.35
"""An object cut by an edge counts if at least this share of its area is left."""
LEAST_SIDE = 2.0
ROUNDING = 1e-6
"""360 * (448 / 640) is 251.99999999999997 in floating point and must count as 252."""
NOT_PLAIN = -1
"""View of an image that is neither a letterboxed stored scene nor its mirror image."""


@dataclass(frozen=True)
class Patch:
    """A rectangle of the canvas: rows y1..y2, columns x1..x2."""

    x1: int
    y1: int
    x2: int
    y2: int


def place(canvas: np.ndarray, patch: Patch, scene: Scene, scale: float, rng: np.random.Generator) -> Scene:
    """Draws the scene, scaled, at a random shift into the patch and returns it with its boxes on the canvas."""
    image = resized(scene.image, scale)
    height, width = image.shape[:2]
    room_x, room_y = patch.x2 - patch.x1, patch.y2 - patch.y1
    # negative if the scene is larger than its patch
    shift_x = int(rng.integers(min(0, room_x - width), max(0, room_x - width) + 1))
    shift_y = int(rng.integers(min(0, room_y - height), max(0, room_y - height) + 1))
    return paste(canvas, patch, Scene(image, scene.boxes * np.float32(scale), scene.classes), shift_x, shift_y)


def paste(canvas: np.ndarray, patch: Patch, scene: Scene, shift_x: int, shift_y: int) -> Scene:
    """Draws a scene into the patch, its corner shifted against the patch's, and returns it with its boxes there."""
    image = scene.image
    height, width = image.shape[:2]
    room_x, room_y = patch.x2 - patch.x1, patch.y2 - patch.y1
    left, top = max(0, shift_x), max(0, shift_y)
    right, bottom = min(room_x, shift_x + width), min(room_y, shift_y + height)
    canvas[patch.y1 + top : patch.y1 + bottom, patch.x1 + left : patch.x1 + right] = image[
        top - shift_y : bottom - shift_y, left - shift_x : right - shift_x
    ]
    origin = np.array([patch.x1 + shift_x, patch.y1 + shift_y] * 2, np.float32)
    window = Patch(patch.x1 + left, patch.y1 + top, patch.x1 + right, patch.y1 + bottom)
    boxes, classes = cut(scene.boxes + origin, scene.classes, window)
    return Scene(canvas, boxes, classes)


def cut(boxes: np.ndarray, classes: np.ndarray, window: Patch) -> tuple[np.ndarray, np.ndarray]:
    """Clips boxes to the window and drops those of which too little is left."""
    inside, kept = visible(boxes, np.array([[window.x1, window.y1, window.x2, window.y2]], np.float32))
    return inside[kept], classes[kept]


def visible(boxes: np.ndarray, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The parts of boxes [M, 4] in windows [M or 1, 4] (float32), and which of them still count, bool [M]."""
    low, high = windows[:, :2], windows[:, 2:]
    inside = np.concatenate((boxes[:, :2].clip(low, high), boxes[:, 2:].clip(low, high)), axis=1)
    sides, before = inside[:, 2:] - inside[:, :2], boxes[:, 2:] - boxes[:, :2]
    enough = sides.prod(1) >= LEAST_VISIBLE * before.prod(1)
    return inside, enough & (sides.min(1, initial=np.inf) >= LEAST_SIDE)


def resized(image: np.ndarray, scale: float, *, average: bool = True) -> np.ndarray:
    """Bilinear; with `average` all pixels under a smaller one count, else the two nearest on each axis.

    These are the runtime's two ways to scale down (`--resize average|bilinear` of `goshawk models import`).
    """
    if scale == 1.0:
        return image
    height, width = (max(1, int(side * scale + ROUNDING)) for side in image.shape[:2])
    pixels = torch.tensor(image).permute(2, 0, 1)[None]
    if average:
        small = F.interpolate(pixels, size=(height, width), mode="bilinear", antialias=True)
    else:
        # in float, rounded once: the uint8 kernel of torch has coarser weights
        small = F.interpolate(pixels.float(), size=(height, width), mode="bilinear").round_().to(torch.uint8)
    return small[0].permute(1, 2, 0).numpy()


def compose(
    store: SceneStore, index: int, mosaic: float, config: ModelConfig, train: TrainConfig, rng: np.random.Generator
) -> tuple[Scene, int]:
    """One training image and its view: a mosaic with probability `mosaic`, else only the scene of `index`.

    The view is 2 * index for a plain scene, one more if it is mirrored, else NOT_PLAIN.
    """
    width, height = config.input_width, config.input_height
    canvas = np.full((height, width, 3), PAD_VALUE, np.uint8)
    view = NOT_PLAIN
    if rng.random() < mosaic:
        scene = _mosaic(canvas, store, index, train, rng)
    elif rng.random() < train.unscaled:
        scene, view = letterboxed(store[index], config), 2 * index
    else:
        scene = place(canvas, Patch(0, 0, width, height), store[index], _draw_scale(train, rng), rng)
    if rng.random() < train.flip:
        return mirrored(scene), view if view == NOT_PLAIN else view + 1
    return scene, view


def _mosaic(canvas: np.ndarray, store: SceneStore, index: int, train: TrainConfig, rng: np.random.Generator) -> Scene:
    height, width = canvas.shape[:2]
    x, y = int(width * rng.uniform(0.3, 0.7)), int(height * rng.uniform(0.3, 0.7))
    patches = (Patch(0, 0, x, y), Patch(x, 0, width, y), Patch(0, y, x, height), Patch(x, y, width, height))
    others = rng.integers(0, len(store), size=3)
    parts = []
    for patch, which in zip(patches, (index, *others), strict=True):
        scale = 1.0 if rng.random() < train.unscaled else _draw_scale(train, rng)
        parts.append(place(canvas, patch, store[int(which)], scale, rng))
    return Scene(canvas, np.concatenate([p.boxes for p in parts]), np.concatenate([p.classes for p in parts]))


def _draw_scale(train: TrainConfig, rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(np.log(train.scale[0]), np.log(train.scale[1]))))


def letterboxed(scene: Scene, config: ModelConfig) -> Scene:
    """The runtime's letterbox (`src/core/image/letterbox.ts`, top-left): scaled to fit, rounded down, gray rest."""
    source_height, source_width = scene.image.shape[:2]
    scale = min(config.input_width / source_width, config.input_height / source_height)
    canvas = np.full((config.input_height, config.input_width, 3), PAD_VALUE, np.uint8)
    image = resized(scene.image, scale)
    canvas[: image.shape[0], : image.shape[1]] = image
    return Scene(canvas, scene.boxes * np.float32(scale), scene.classes)


def mirrored(scene: Scene) -> Scene:
    """The mirrored scene."""
    width = scene.image.shape[1]
    boxes = scene.boxes.copy()
    boxes[:, 0], boxes[:, 2] = width - scene.boxes[:, 2], width - scene.boxes[:, 0]
    return Scene(scene.image[:, ::-1], boxes, scene.classes)


def draw_color(amount: float, rng: np.random.Generator) -> np.ndarray:
    """How one image's colors change, [5]: saturation, gain of red, green and blue, brightness."""
    gain = rng.uniform(1 - amount, 1 + amount) * rng.uniform(1 - amount / 3, 1 + amount / 3, 3)
    return np.array([rng.uniform(1 - amount, 1 + amount), *gain, rng.uniform(-40, 40) * amount], np.float32)


def draw_colors(amount: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of `draw_color` for a batch, [count, 5]; none (all zero) if `amount` is 0."""
    if amount == 0:
        return np.zeros((count, 5), np.float32)
    gain = rng.uniform(1 - amount, 1 + amount, (count, 1)) * rng.uniform(1 - amount / 3, 1 + amount / 3, (count, 3))
    saturation = rng.uniform(1 - amount, 1 + amount, (count, 1))
    return np.concatenate((saturation, gain, rng.uniform(-40, 40, (count, 1)) * amount), axis=1, dtype=np.float32)


def shift_colors(images: Tensor, shifts: np.ndarray) -> Tensor:
    """Applies a row of `draw_color` to each image of a batch [B, 3, H, W] (0..255), in place."""
    values = torch.from_numpy(shifts).to(images.device)[:, :, None, None]
    gray = images.mean(dim=1, keepdim=True)
    images.sub_(gray).mul_(values[:, :1]).add_(gray)
    return images.mul_(values[:, 1:4]).add_(values[:, 4:]).clamp_(0, 255)


def collate(scenes: list[Scene]) -> tuple[Tensor, Targets]:
    """A batch [B, 3, H, W] of float32 0..255 (channels last in memory) and its objects."""
    stacked = torch.from_numpy(np.stack([s.image for s in scenes]))
    images = stacked.permute(0, 3, 1, 2).float()
    owner = np.repeat(np.arange(len(scenes)), [len(s.classes) for s in scenes])
    return images, Targets(
        torch.from_numpy(owner),
        torch.from_numpy(np.concatenate([s.classes for s in scenes])),
        torch.from_numpy(np.concatenate([s.boxes for s in scenes])),
    )
