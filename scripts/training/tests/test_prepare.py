"""The simulator's scenes become a store at the network's scale."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from goshawk_training.augment import resized
from goshawk_training.config import LABELS, ModelConfig
from goshawk_training.data import SceneStore, same_scenes
from goshawk_training.prepare import CHUNK, Simulation, prepare, read_rendered
from goshawk_training.threads import FOLLOW_LOAD, Threads

CLI = Path(__file__).resolve().parents[3] / "dist" / "cli.js"


def test_rows_of_the_simulator_are_class_then_corners(tmp_path: Path) -> None:
    pixels = np.arange(2 * 4 * 6 * 3, dtype=np.uint8)
    (tmp_path / "frames.u8").write_bytes(pixels.tobytes())
    rows = [[[7, 1, 0, 5, 3]], []]
    described = {"labels": LABELS, "count": 2, "height": 4, "width": 6, "boxes": rows}
    (tmp_path / "boxes.json").write_text(json.dumps(described))
    first, second = read_rendered(tmp_path)
    assert (first.classes.tolist(), first.boxes.tolist()) == ([7], [[1, 0, 5, 3]])
    assert second.boxes.shape == (0, 4)
    np.testing.assert_array_equal(second.image, pixels.reshape(2, 4, 6, 3)[1])


def test_other_labels_are_refused(tmp_path: Path) -> None:
    (tmp_path / "boxes.json").write_text(json.dumps({"labels": ["cat"]}))
    with pytest.raises(ValueError, match="cat"):
        list(read_rendered(tmp_path))


def test_seeds_of_chunks_do_not_overlap() -> None:
    chunks = Simulation(("x",), seed=10, count=2 * CHUNK + 7).chunks()
    assert chunks == [(10, CHUNK), (11, CHUNK), (12, 7)]


def test_a_failing_simulator_is_named(tmp_path: Path) -> None:
    failing = Simulation((sys.executable, "-c", "raise SystemExit('no scenes today')"), seed=1, count=1)
    with pytest.raises(ValueError, match="no scenes today"):
        prepare(failing, tmp_path / "out", ModelConfig())
    with pytest.raises(ValueError, match="not on PATH"):
        prepare(Simulation(("no-such-simulator",), seed=1, count=1), tmp_path / "out", ModelConfig())


@pytest.mark.skipif(
    not CLI.exists() or shutil.which("node") is None,
    reason="skipped: there is no build or no node | npm run build &&",
)
def test_real_scenes_are_shrunk_with_their_boxes(tmp_path: Path) -> None:
    simulation = Simulation(("node", str(CLI), "simulate"), seed=77, count=3, workers=1)
    meta = prepare(simulation, tmp_path / "a", ModelConfig())
    assert (meta["count"], meta["width"], meta["height"], meta["sourceWidth"]) == (3, 448, 252, 640)
    store = SceneStore(tmp_path / "a")
    boxes = np.concatenate([store[i].boxes for i in range(3)])
    assert len(boxes) > 0
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert boxes.min() >= 0
    assert (boxes.max(0) <= [448, 252, 448, 252]).all()
    # the same seed gives the same scenes, however they are scaled
    assert prepare(simulation, tmp_path / "b", ModelConfig())["digest"] == meta["digest"]
    sharp = prepare(replace(simulation, average=False), tmp_path / "c", ModelConfig())
    assert (meta["resize"], sharp["resize"]) == ("average", "bilinear")
    other = same_scenes(SceneStore(tmp_path / "c"), store)
    differences = other[0].image.astype(int) - store[0].image
    assert 0 < np.abs(differences).mean() < 8
    np.testing.assert_array_equal(other[0].boxes, store[0].boxes)
    with pytest.raises(ValueError, match="differ in seeds"):
        same_scenes(SceneStore(tmp_path / "c"), SceneStore(_described_otherwise(tmp_path / "a", seeds=[78])))


def _described_otherwise(folder: Path, **values: object) -> Path:
    described = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps({**described, **values}))
    return folder


def test_bilinear_is_of_the_two_nearest_pixels_on_each_axis() -> None:
    """OpenCV's INTER_LINEAR: centers are at half-integers, (i + 0.5) * from / to - 0.5; rounded once at the end."""
    image = np.random.default_rng(5).integers(0, 256, (36, 50, 3), dtype=np.uint8)

    def weights(size: int, smaller: int) -> np.ndarray:
        table = np.zeros((smaller, size))
        for i in range(smaller):
            at = (i + 0.5) * size / smaller - 0.5
            for k in (int(at), int(at) + 1):
                table[i, min(k, size - 1)] += 1 - abs(at - k)
        return table

    exact = np.einsum("yr,rcz,xc->yxz", weights(36, 25), image.astype(float), weights(50, 35))
    small = resized(image, 0.7, average=False)
    assert small.shape == (25, 35, 3)
    assert np.abs(small - exact).max() <= 0.5 + 1e-3
    # averaging uses all pixels below: a different and smoother image
    average = resized(image, 0.7)
    assert average.std() < small.std()


def test_threads_follow_the_load_only_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    try:
        monkeypatch.setattr(os, "cpu_count", lambda: 2)
        monkeypatch.setattr(os, "getloadavg", lambda: (9.0, 9.0, 9.0))
        Threads(2).look(0)
        assert torch.get_num_threads() == 2
        following = Threads(FOLLOW_LOAD)
        following.look(1)
        assert torch.get_num_threads() == 2
        following.look(20)
        assert torch.get_num_threads() == 1
        monkeypatch.setattr(os, "getloadavg", lambda: (1.0, 9.0, 9.0))
        following.look(40)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
