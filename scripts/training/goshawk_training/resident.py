"""Scenes that stay in device memory, and batches that are assembled there.

Draws come from the distributions of augment.py, a whole batch at a time. Everything that moves pixels (scale, position,
mirror, the part of a mosaic) is one matrix for the rows and one for the columns of each scene: the weights of the
antialiased bilinear resize, shifted to the scene's position and zero outside its window. Two batched products then draw
all images together. Boxes are moved on the CPU, in step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .assign import Targets
from .augment import NOT_PLAIN, ROUNDING, draw_colors, shift_colors, visible
from .config import PAD_VALUE, ModelConfig, RunConfig, TrainConfig
from .data import SceneStore
from .loader import Batch, steps_per_epoch
from .prefetch import prefetched

LOADED_AT_ONCE = 256
PLANNED = 3
"""Batches planned ahead of the one being drawn."""
MOSAIC = 4


@dataclass(frozen=True)
class Plan:
    """How the images of a batch are assembled. Patches are scenes on a canvas: one for each of the first `alone`
    images, then MOSAIC for each of the others.
    """

    alone: int
    scenes: np.ndarray
    """[P] int64"""
    scale: np.ndarray
    """[P] float64"""
    size: np.ndarray
    """[P, 2] int64, width and height of the scaled scene"""
    shift: np.ndarray
    """[P, 2] int64, position of its corner on the canvas, x and y"""
    window: np.ndarray
    """[P, 4] int64, x1, y1, x2, y2: the part of the canvas that it fills"""
    mirror: np.ndarray
    """[B] bool"""
    colors: np.ndarray
    """[B, 5] float32, rows of `draw_color`"""
    views: np.ndarray
    """[B] int64, as `compose` numbers them"""

    @property
    def owner(self) -> np.ndarray:
        """[P] image of each patch."""
        mosaics = np.arange(self.alone, len(self.mirror))
        return np.concatenate((np.arange(self.alone), np.repeat(mosaics, MOSAIC)))


def draw_plan(
    chosen: np.ndarray,
    store: SceneStore,
    mosaic: float,
    config: ModelConfig,
    train: TrainConfig,
    rng: np.random.Generator,
) -> Plan:
    """One image for each scene of `chosen` [B], mosaics last, which add three other scenes of the store."""
    canvas = np.array([config.input_width, config.input_height])
    scene = np.array([store.width, store.height])
    mixed = rng.random(len(chosen)) < mosaic
    chosen = np.concatenate((chosen[~mixed], chosen[mixed])).astype(np.int64)
    alone, mosaics = int((~mixed).sum()), int(mixed.sum())

    others = rng.integers(0, len(store), size=(mosaics, MOSAIC - 1))
    scenes = np.concatenate((chosen[:alone], np.column_stack((chosen[alone:], others)).reshape(-1)))
    patches = np.concatenate((np.tile([0, 0, *canvas], (alone, 1)), _mosaic_patches(mosaics, canvas, rng)))
    scale = np.exp(rng.uniform(np.log(train.scale[0]), np.log(train.scale[1]), len(scenes)))
    kept_scale = rng.random(len(scenes)) < train.unscaled
    letterbox = float(min(canvas / scene))
    plain = kept_scale & (np.arange(len(scenes)) < alone)
    scale[kept_scale] = 1.0
    scale[plain] = letterbox

    size = np.where(scale[:, None] == 1.0, scene, np.maximum(1, (scene * scale[:, None] + ROUNDING).astype(np.int64)))
    spare = patches[:, 2:] - patches[:, :2] - size
    # negative if the scene is larger than its patch
    within = rng.integers(np.minimum(0, spare), np.maximum(0, spare) + 1)
    within[plain] = 0
    shift = patches[:, :2] + within
    window = np.concatenate((np.maximum(patches[:, :2], shift), np.minimum(patches[:, 2:], shift + size)), axis=1)
    mirror = rng.random(len(chosen)) < train.flip
    views = np.full(len(chosen), NOT_PLAIN)
    views[:alone] = np.where(plain[:alone], 2 * chosen[:alone] + mirror[:alone], NOT_PLAIN)
    return Plan(alone, scenes, scale, size, shift, window, mirror, draw_colors(train.color, len(chosen), rng), views)


def plain_plan(chosen: np.ndarray, store: SceneStore, config: ModelConfig, *, mirror: bool) -> Plan:
    """Each scene letterboxed, or its mirror image, in its own colors."""
    rng = np.random.default_rng(0)
    plan = draw_plan(chosen, store, 0.0, config, TrainConfig(unscaled=1.0, flip=float(mirror), color=0.0), rng)
    return plan


def targets_of(plan: Plan, store: SceneStore, config: ModelConfig) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Image, class and box (corner form, canvas pixels) of each object that is still visible."""
    all_boxes, all_classes, ends = store.objects
    begins = np.concatenate(([0], ends[:-1]))[plan.scenes]
    counts = ends[plan.scenes] - begins
    patch = np.repeat(np.arange(len(plan.scenes)), counts)
    rows = np.arange(len(patch)) - np.repeat(np.cumsum(counts) - counts - begins, counts)
    origin = np.tile(plan.shift, 2).astype(np.float32)
    moved = all_boxes[rows] * plan.scale.astype(np.float32)[patch, None] + origin[patch]
    boxes, kept = visible(moved, plan.window.astype(np.float32)[patch])
    boxes, image, classes = boxes[kept], plan.owner[patch[kept]], all_classes[rows[kept]]
    turned = plan.mirror[image]
    left, right = boxes[turned, 0], boxes[turned, 2]
    boxes[turned, 0], boxes[turned, 2] = config.input_width - right, config.input_width - left
    return image, classes, boxes


class ResidentScenes:
    """The images `first` up to `last` of a store as uint8 in device memory, [N, 3, H, W]."""

    def __init__(self, store: SceneStore, device: torch.device, first: int = 0, last: int | None = None) -> None:
        self.device, self._first = device, first
        last = len(store) if last is None else last
        self._images = torch.empty((last - first, 3, store.height, store.width), dtype=torch.uint8, device=device)
        shape = (min(LOADED_AT_ONCE, last - first), store.height, store.width, 3)
        staged = torch.empty(shape, dtype=torch.uint8, pin_memory=device.type == "cuda")
        for begin in range(first, last, LOADED_AT_ONCE):
            end = min(last, begin + LOADED_AT_ONCE)
            part = staged[: end - begin]
            part.numpy()[...] = store.images[begin:end]
            self._images[begin - first : end - first] = part.to(device).permute(0, 3, 1, 2)

    @torch.no_grad()
    def draw(self, plan: Plan, config: ModelConfig) -> Tensor:
        """The images of a plan, [B, 3, H, W] float32 of 0..255, channels last in memory."""
        # exact for whole shifts; with scale, a float16 is within 0.1 of the weighted mean
        kind = torch.float16 if self.device.type == "cuda" else torch.float32
        pixels = self._images[self._on_device(plan.scenes - self._first)].to(kind)
        mirror = plan.mirror[plan.owner]
        columns, covered_columns = self._weights(plan, 0, config.input_width, pixels.shape[3], mirror)
        rows, covered_rows = self._weights(plan, 1, config.input_height, pixels.shape[2], np.zeros_like(mirror))
        across = pixels.flatten(1, 2) @ columns.to(kind).transpose(1, 2)
        drawn = rows.to(kind)[:, None] @ across.unflatten(1, (3, -1))
        covered = (covered_rows[:, :, None] & covered_columns[:, None, :])[:, None]
        drawn, covered = _joined(drawn, plan.alone), _joined(covered.to(kind), plan.alone) > 0
        images = torch.where(covered, drawn.float().round_(), float(PAD_VALUE))
        images = images.contiguous(memory_format=torch.channels_last)
        return shift_colors(images, plan.colors) if plan.colors.any() else images

    def _weights(self, plan: Plan, axis: int, length: int, source: int, mirror: np.ndarray) -> tuple[Tensor, Tensor]:
        """Weights [P, length, source] of the scene's pixels for each canvas position, and where they are non-zero."""
        size, shift = (self._on_device(v[:, axis, None]) for v in (plan.size, plan.shift))
        low, high = (self._on_device(plan.window[:, k, None]) for k in (axis, axis + 2))
        place = torch.arange(length, device=self.device)[None]
        place = torch.where(self._on_device(mirror[:, None]), length - 1 - place, place)
        ratio = source / size.float()
        center = (place - shift + 0.5) * ratio
        taps = torch.arange(source, device=self.device) + 0.5
        weights = (taps - center[..., None]).abs_().div_(-ratio.clamp(min=1.0)[..., None]).add_(1.0).clamp_(min=0.0)
        covered = (place >= low) & (place < high)
        share = covered / weights.sum(-1).clamp(min=1e-6)
        return weights.mul_(share[..., None]), covered

    def _on_device(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device, non_blocking=True)


def _joined(patches: Tensor, alone: int) -> Tensor:
    """One per image: single scenes as they are, the four non-overlapping patches of a mosaic added."""
    if alone == len(patches):
        return patches
    return torch.cat((patches[:alone], patches[alone:].unflatten(0, (-1, MOSAIC)).sum(1)))


def _mosaic_patches(count: int, canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """[count * MOSAIC, 4]: the four rectangles around a point in the middle of each canvas."""
    x, y = (canvas[:, None] * rng.uniform(0.3, 0.7, (2, count))).astype(np.int64)
    zero, (width, height) = np.zeros_like(x), (np.full_like(x, side) for side in canvas)
    rectangles = ((zero, zero, x, y), (x, zero, width, y), (zero, y, x, height), (x, y, width, height))
    return np.array(rectangles, np.int64).transpose(2, 0, 1).reshape(-1, 4)


class ResidentBatches:
    """Batches of a run drawn on its device: a pure function of seed, step and share of mosaics."""

    def __init__(self, store: SceneStore, config: RunConfig, device: torch.device) -> None:
        self._store, self._config = store, config
        self._scenes = ResidentScenes(store, device)
        self._device = device
        self._per_epoch = steps_per_epoch(store, config)
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))

    def make(self, step: int, mosaic: float) -> Batch:
        """The batch of a step."""
        return self._draw(*self._plan(step, mosaic))

    def stream(self, first: int, last: int | None, mosaic_of: Callable[[int], float]) -> Iterator[tuple[int, Batch]]:
        """Steps `first` up to but not including `last` (None: endless), planned ahead on a thread."""
        plans = prefetched(self._plan, mosaic_of, first, last, workers=1, ahead=PLANNED, name="plans")
        for step, planned in plans:
            yield step, self._draw(*planned)

    def _plan(self, step: int, mosaic: float) -> tuple[Plan, Targets]:
        train, store = self._config.train, self._store
        epoch, within = divmod(step, self._per_epoch)
        order = self._order
        if order[0] != epoch:
            order = self._order = (epoch, np.random.default_rng((train.seed, epoch)).permutation(len(store)))
        chosen = order[1][within * train.batch : (within + 1) * train.batch]
        rng = np.random.default_rng((train.seed, epoch, within))
        plan = draw_plan(chosen, store, mosaic, self._config.model, train, rng)
        return plan, Targets(*(torch.from_numpy(v) for v in targets_of(plan, store, self._config.model)))

    def _draw(self, plan: Plan, targets: Targets) -> Batch:
        images = self._scenes.draw(plan, self._config.model)
        return Batch(images, targets.to(self._device), plan.views)
