"""A toy world of colored rectangles, small enough to learn in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from goshawk_training.config import ModelConfig, RunConfig, TrainConfig
from goshawk_training.data import Scene, SceneStore, StoreWriter

WIDTH, HEIGHT = 96, 60
CLASSES = 3


def toy_scene(rng: np.random.Generator) -> Scene:
    """One to four rectangles apart from each other, on noise; the class is the color."""
    image = rng.integers(60, 120, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    boxes, classes = [], []
    for _ in range(rng.integers(2, 8)):
        kind = int(rng.integers(CLASSES))
        width, height = (int(side) for side in rng.integers(10, 40, 2))
        x, y = int(rng.integers(WIDTH - width)), int(rng.integers(HEIGHT - height))
        if any(x < b[2] and b[0] < x + width and y < b[3] and b[1] < y + height for b in boxes):
            continue
        image[y : y + height, x : x + width] = np.eye(3, dtype=np.uint8)[kind] * 200 + 20
        boxes.append([x, y, x + width, y + height])
        classes.append(kind)
    return Scene(image, np.array(boxes, np.float32), np.array(classes))


def toy_store(folder: Path, count: int, seed: int) -> SceneStore:
    rng = np.random.default_rng(seed)
    writer = StoreWriter(folder)
    for _ in range(count):
        writer.add(toy_scene(rng))
    writer.close({"seed": seed})
    return SceneStore(folder)


@pytest.fixture(scope="session", autouse=True)
def _threads() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def toy_config() -> RunConfig:
    """A network of some 20,000 parameters, in float32 so that results do not depend on the CPU's bf16."""
    model = ModelConfig(
        input_width=96,
        input_height=64,
        classes=CLASSES,
        stem=8,
        widths=(8, 16, 16, 16),
        depths=(1, 1, 1, 1),
        neck=(16, 16, 16),
        head=16,
        head_depth=1,
    )
    train = TrainConfig(
        epochs=100, batch=8, lr=1e-2, warmup_steps=10, ema_decay=0.95, ema_ramp=10.0, mosaic=0.0, scale=(1.0, 1.0),
        flip=0.0, color=0.0, bf16=False,
    )  # fmt: skip
    return RunConfig(model, train)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> SceneStore:
    return toy_store(tmp_path_factory.mktemp("toy"), 16, seed=1)


@pytest.fixture(scope="session")
def validation(tmp_path_factory: pytest.TempPathFactory) -> SceneStore:
    """Scenes that are not in `store`."""
    return toy_store(tmp_path_factory.mktemp("toy-validation"), 16, seed=2)
