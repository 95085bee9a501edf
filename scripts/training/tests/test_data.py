"""Stores, augmentation and batches."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from goshawk_training.augment import (
    NOT_PLAIN,
    Patch,
    compose,
    cut,
    draw_color,
    letterboxed,
    mirrored,
    place,
    shift_colors,
)
from goshawk_training.cli import main
from goshawk_training.config import PAD_VALUE, ModelConfig, RunConfig
from goshawk_training.data import Scene, SceneStore, StoreWriter, refuse_shared
from goshawk_training.loader import Share, batches, make_batch

from .conftest import HEIGHT, WIDTH, toy_scene


def test_store_gives_back_what_was_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    scenes = [toy_scene(rng) for _ in range(3)]
    scenes[1] = Scene(scenes[1].image, np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
    writer = StoreWriter(tmp_path)
    for scene in scenes:
        writer.add(scene)
    with pytest.raises(ValueError, match="the store has"):
        writer.add(Scene(np.zeros((2, 2, 3), np.uint8), scenes[1].boxes, scenes[1].classes))
    meta = writer.close({"seed": 5})
    store = SceneStore(tmp_path)
    assert (len(store), store.height, store.width, store.meta) == (3, HEIGHT, WIDTH, meta)
    for index, scene in enumerate(scenes):
        np.testing.assert_array_equal(store[index].image, scene.image)
        np.testing.assert_array_equal(store[index].boxes, scene.boxes)
        np.testing.assert_array_equal(store[index].classes, scene.classes)


def store_of(folder: Path, scenes: list[Scene], **meta: object) -> SceneStore:
    writer = StoreWriter(folder)
    for scene in scenes:
        writer.add(scene)
    writer.close({"simulator": "1.0.0", **meta})
    return SceneStore(folder)


def test_validation_that_was_trained_on_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    scenes = [toy_scene(rng) for _ in range(5)]
    trained = store_of(tmp_path / "train", scenes[:3], seeds=[1, 2])
    refuse_shared(trained, store_of(tmp_path / "other", scenes[3:], seeds=[3]))
    with pytest.raises(ValueError, match=r"drawn by the seed 2"):
        refuse_shared(trained, store_of(tmp_path / "seed", scenes[3:], seeds=[2, 3]))
    with pytest.raises(ValueError, match=r"1 scenes of .*pixel by pixel \(scene 1 is scene 2 there\)"):
        refuse_shared(trained, store_of(tmp_path / "pixels", [scenes[3], scenes[2]], seeds=[3]))


def white_where_boxes_are(scene: Scene) -> Scene:
    image = np.zeros_like(scene.image)
    for x1, y1, x2, y2 in scene.boxes.astype(int):
        image[y1:y2, x1:x2] = 255
    return Scene(image, scene.boxes, scene.classes)


def marked_store(folder: Path) -> SceneStore:
    """One white rectangle on black in each scene, so that boxes can be read off the pixels."""
    rng = np.random.default_rng(2)
    writer = StoreWriter(folder)
    for _ in range(8):
        low = rng.integers(0, 20, 2)
        box = np.array([[*low, *(low + rng.integers(12, 36, 2))]], np.float32)
        writer.add(white_where_boxes_are(Scene(np.zeros((HEIGHT, WIDTH, 3), np.uint8), box, np.array([0]))))
    writer.close({})
    return SceneStore(folder)


@pytest.mark.parametrize("mosaic", [0.0, 1.0])
def test_boxes_follow_the_pixels_through_augmentation(tmp_path: Path, toy_config: RunConfig, mosaic: float) -> None:
    store = marked_store(tmp_path)
    train = toy_config.with_train(scale=(0.6, 1.5), flip=0.5).train
    for seed in range(60):
        scene, _ = compose(store, seed % 8, mosaic, toy_config.model, train, np.random.default_rng(seed))
        assert scene.image.shape == (64, 96, 3)
        for x1, y1, x2, y2 in np.round(scene.boxes).astype(int):
            assert 0 <= x1 < x2 <= 96
            assert 0 <= y1 < y2 <= 64
            # white inside (except one pixel of edge for resampling), not white just outside
            assert (scene.image[y1 + 1 : y2 - 1, x1 + 1 : x2 - 1] > 200).all()
            for column in (x1 - 2, x2 + 1):
                # in a mosaic the neighbor may be white too
                if mosaic == 0.0 and 0 <= column < 96:
                    assert scene.image[(y1 + y2) // 2, column, 0] < 130


def test_mosaic_shows_more_objects_than_one_scene(tmp_path: Path, toy_config: RunConfig) -> None:
    store = marked_store(tmp_path)
    counts = [
        len(compose(store, 0, 1.0, toy_config.model, toy_config.train, np.random.default_rng(s))[0].classes)
        for s in range(40)
    ]
    assert max(counts) > 1
    assert max(counts) <= 4


def test_mirror_twice_is_the_scene() -> None:
    scene = toy_scene(np.random.default_rng(1))
    twice = mirrored(mirrored(scene))
    np.testing.assert_array_equal(twice.image, scene.image)
    np.testing.assert_allclose(twice.boxes, scene.boxes)


def test_cut_leaves_out_what_is_mostly_gone() -> None:
    boxes = np.array([[0, 0, 10, 10], [-8, 0, 2, 10], [-4, 0, 6, 10], [5, 5, 6, 6]], np.float32)
    kept, classes = cut(boxes, np.arange(4), Patch(0, 0, 20, 20))
    assert classes.tolist() == [0, 2]
    assert kept.tolist() == [[0, 0, 10, 10], [0, 0, 6, 10]]


def test_letterbox_is_the_runtimes() -> None:
    """640x360 into 448x256: 448x252 at the top left, four gray rows below."""
    scene = Scene(np.full((360, 640, 3), 200, np.uint8), np.array([[0, 0, 640, 360]], np.float32), np.array([0]))
    boxed = letterboxed(scene, ModelConfig())
    assert boxed.image.shape == (256, 448, 3)
    assert (boxed.image[:252] == 200).all()
    assert (boxed.image[252:] == PAD_VALUE).all()
    np.testing.assert_allclose(boxed.boxes, [[0, 0, 448, 252]], rtol=1e-6)


def test_place_is_exact_without_scale() -> None:
    scene = toy_scene(np.random.default_rng(4))
    canvas = np.full((HEIGHT, WIDTH, 3), PAD_VALUE, np.uint8)
    placed = place(canvas, Patch(0, 0, WIDTH, HEIGHT), scene, 1.0, np.random.default_rng(0))
    np.testing.assert_array_equal(placed.image, scene.image)
    np.testing.assert_array_equal(placed.boxes, scene.boxes)


def test_color_stays_in_range_and_none_is_none() -> None:
    images = torch.rand(4, 3, 8, 8) * 255
    rng = np.random.default_rng(0)
    same = shift_colors(images.clone(), np.stack([draw_color(0.0, rng) for _ in images]))
    torch.testing.assert_close(same, images)
    other = shift_colors(images.clone(), np.stack([draw_color(0.4, rng) for _ in images]))
    assert (other - images).abs().max() > 1
    assert other.min() >= 0
    assert other.max() <= 255


def test_batches_depend_on_seed_and_step_only(store: SceneStore, toy_config: RunConfig) -> None:
    config = toy_config.with_train(mosaic=0.5, flip=0.5, color=0.1)
    streamed = dict(batches(store, config, 1, 5))
    assert sorted(streamed) == [1, 2, 3, 4]
    again = make_batch(store, config, 3)
    assert torch.equal(streamed[3].images, again.images)
    assert torch.equal(streamed[3].targets.boxes, again.targets.boxes)
    assert not torch.equal(make_batch(store, config.with_train(seed=7), 3).images, again.images)


def test_views_name_the_plain_images(store: SceneStore, toy_config: RunConfig) -> None:
    """The key of a teacher's outputs: the scene, and whether it is mirrored."""
    config = toy_config.with_train(mosaic=0.3, scale=(0.7, 1.4), unscaled=0.5, flip=0.5)
    seen = set()
    for _, batch in batches(store, config, 0, 6):
        for image, view in zip(batch.images, batch.views.tolist(), strict=True):
            seen.add("other" if view == NOT_PLAIN else view % 2)
            if view != NOT_PLAIN:
                scene = letterboxed(store[view // 2], config.model)
                expected = mirrored(scene) if view % 2 else scene
                np.testing.assert_array_equal(image.permute(1, 2, 0).numpy(), expected.image)
    assert seen == {"other", 0, 1}


def test_shares_of_a_batch_are_its_images(store: SceneStore, toy_config: RunConfig) -> None:
    config = toy_config.with_train(mosaic=0.5, flip=0.5, color=0.1)
    whole = make_batch(store, config, 1)
    for rank in range(2):
        share = make_batch(store, config, 1, Share(rank, 2))
        assert torch.equal(share.images, whole.images[rank::2])
        assert share.views.tolist() == whole.views[rank::2].tolist()


def test_an_epoch_shows_each_scene_once(store: SceneStore, toy_config: RunConfig) -> None:
    means = [batch.images.mean(dim=(1, 2, 3)) for _, batch in batches(store, toy_config, 0, 2)]
    assert len(torch.cat(means).unique()) == len(store)


def test_errors_of_the_loading_thread_reach_the_trainer(store: SceneStore, toy_config: RunConfig) -> None:
    class Broken(SceneStore):
        def __getitem__(self, index: int) -> Scene:
            raise OSError("a bad sector")

    with pytest.raises(OSError, match="bad sector"):
        list(batches(Broken(store.folder), toy_config, 0, 2))


def test_any_number_of_loading_threads_gives_the_same_batches(store: SceneStore, toy_config: RunConfig) -> None:
    config = toy_config.with_train(mosaic=0.5, flip=0.5, color=0.1)
    one, three = ([b for _, b in batches(store, config, 0, 6, workers=n)] for n in (1, 3))
    for first, second in zip(one, three, strict=True):
        assert torch.equal(first.images, second.images)


def test_rates_of_loading_and_training_are_told(store: SceneStore, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["loader-rate", "--data", str(store.folder), "--steps", "1", "--batch", "2", "--threads", "1"]
    assert main([*command, "--no-bf16"]) == 0
    assert re.search(r"[1-9]\d* loading alone with 2 threads, \d+ training alone, \d+ both", capsys.readouterr().out)
