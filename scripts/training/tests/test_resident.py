"""Batches drawn on the device match augment.py; runs on them resume and keep to their time."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from goshawk_training.augment import NOT_PLAIN, Patch, draw_color, draw_colors, mirrored, paste, resized
from goshawk_training.cli import main
from goshawk_training.config import PAD_VALUE, DistillConfig, RunConfig
from goshawk_training.data import Scene, SceneStore
from goshawk_training.device import CPU, device_of
from goshawk_training.feed import batches_of
from goshawk_training.lineage import digest_of
from goshawk_training.loader import batches
from goshawk_training.resident import ResidentBatches, ResidentScenes, draw_plan, plain_plan, targets_of
from goshawk_training.schedule import steps_in
from goshawk_training.stages import start_from, teacher_of
from goshawk_training.teacher import CachedTeacher, LiveTeacher, ResidentTeacher, cached_answers
from goshawk_training.train import LAST, RunOptions, train

from .conftest import HEIGHT, WIDTH, toy_store
from .test_data import marked_store
from .test_export import noisy_detector

VARIED = {"mosaic": 0.5, "scale": (0.6, 1.5), "unscaled": 0.3, "flip": 0.5, "color": 0.0, "resident": True}


def test_images_and_boxes_are_those_of_the_loader(store: SceneStore, toy_config: RunConfig) -> None:
    """Every patch of a plan, drawn by augment.py's own functions."""
    config = toy_config.with_train(**VARIED)
    plan = draw_plan(np.arange(16), store, 0.5, config.model, config.train, np.random.default_rng(3))
    assert 0 < plan.alone < 16
    images = ResidentScenes(store, CPU).draw(plan, config.model)
    image_of, classes, boxes = targets_of(plan, store, config.model)
    owner = plan.owner
    for image in range(16):
        canvas = np.full((64, 96, 3), PAD_VALUE, np.uint8)
        parts = []
        for k in np.flatnonzero(owner == image):
            scene, scale = store[int(plan.scenes[k])], float(plan.scale[k])
            scaled = Scene(resized(scene.image, scale), scene.boxes * np.float32(scale), scene.classes)
            assert scaled.image.shape[:2] == (plan.size[k, 1], plan.size[k, 0])
            # the rectangle that the scene was put into, as far as it shows
            x1, y1, x2, y2 = (int(v) for v in plan.window[k])
            shift_x, shift_y = (int(v) for v in plan.shift[k])
            parts.append(paste(canvas, Patch(x1, y1, x2, y2), scaled, shift_x - x1, shift_y - y1))
        whole = Scene(canvas, np.concatenate([p.boxes for p in parts]), np.concatenate([p.classes for p in parts]))
        expected = mirrored(whole) if plan.mirror[image] else whole
        difference = np.abs(images[image].permute(1, 2, 0).numpy() - expected.image)
        unscaled = (plan.scale[owner == image] == 1.0).all()
        # for scaled scenes, augment.py rounds once more between its two passes
        assert difference.max() <= (0.0 if unscaled else 1.0)
        mine = image_of == image
        np.testing.assert_array_equal(classes[mine], expected.classes)
        np.testing.assert_allclose(boxes[mine], expected.boxes, atol=1e-4)


def test_boxes_follow_the_pixels(tmp_path: Path, toy_config: RunConfig) -> None:
    store = marked_store(tmp_path)
    config = toy_config.with_train(**VARIED)
    feed = ResidentBatches(store, config, CPU)
    seen = 0
    for step in range(30):
        batch = feed.make(step, 0.5)
        rounded = batch.targets.boxes.round().long().tolist()
        for owner, (x1, y1, x2, y2) in zip(batch.targets.image.tolist(), rounded, strict=True):
            assert 0 <= x1 < x2 <= 96
            assert 0 <= y1 < y2 <= 64
            assert (batch.images[owner, :, y1 + 1 : y2 - 1, x1 + 1 : x2 - 1] > 200).all()
            seen += 1
    assert seen > 100


def test_draws_have_the_loaders_distribution(tmp_path: Path, toy_config: RunConfig) -> None:
    store = toy_store(tmp_path, 64, seed=8)
    config = toy_config.with_train(**{**VARIED, "color": 0.2, "batch": 32})
    feed = ResidentBatches(store, config, CPU)
    drawn = [feed.make(step, 0.4) for step in range(24)]
    loaded = [batch for _, batch in batches(store, config, 0, 24, mosaic_of=lambda _: 0.4)]
    for of in (
        lambda b: float(np.mean(b.views != NOT_PLAIN)),
        lambda b: float(np.mean(b.views % 2 == 0)),
        lambda b: len(b.targets) / 32,
        lambda b: float((b.targets.boxes[:, 2] - b.targets.boxes[:, 0]).mean()),
        lambda b: float(b.targets.boxes[:, 0].mean()),
        lambda b: float(b.images.mean()),
        lambda b: float(b.images.mean((1, 2, 3)).std()),
    ):
        ours, theirs = (np.array([of(batch) for batch in some]) for some in (drawn, loaded))
        error = np.hypot(ours.std(), theirs.std()) / np.sqrt(24)
        assert abs(ours.mean() - theirs.mean()) < 4.5 * error


def test_colors_are_drawn_alike() -> None:
    many = draw_colors(0.3, 4000, np.random.default_rng(1))
    one_by_one = np.stack([draw_color(0.3, np.random.default_rng(k)) for k in range(4000)])
    np.testing.assert_allclose(many.mean(0), one_by_one.mean(0), atol=0.3)
    np.testing.assert_allclose(many.std(0), one_by_one.std(0), rtol=0.06)
    np.testing.assert_allclose(np.corrcoef(many[:, 1:4].T), np.corrcoef(one_by_one[:, 1:4].T), atol=0.04)


def test_plain_views_are_the_letterboxed_scenes(store: SceneStore, toy_config: RunConfig) -> None:
    scenes = ResidentScenes(store, CPU, 4, 9)
    for mirror in (False, True):
        plan = plain_plan(np.arange(4, 9), store, toy_config.model, mirror=mirror)
        assert plan.views.tolist() == [2 * k + mirror for k in range(4, 9)]
        images = scenes.draw(plan, toy_config.model)
        assert images.is_contiguous(memory_format=torch.channels_last)
        assert (images[:, :, HEIGHT:] == PAD_VALUE).all()
        for image, index in zip(images, range(4, 9), strict=True):
            expected = store[index].image[:, ::-1] if mirror else store[index].image
            np.testing.assert_array_equal(image[:, :HEIGHT, :WIDTH].permute(1, 2, 0).numpy(), expected)


def test_an_epoch_shows_each_scene_once(store: SceneStore, toy_config: RunConfig) -> None:
    feed = batches_of(store, toy_config.with_train(**{**VARIED, "mosaic": 0.0, "unscaled": 1.0}), CPU)
    views = np.concatenate([batch.views for _, batch in feed.stream(2, 4, lambda _: 0.0)])
    assert sorted(views // 2) == list(range(16))


def test_resumed_run_equals_uninterrupted_one(tmp_path: Path, store: SceneStore, toy_config: RunConfig) -> None:
    config = toy_config.with_train(**{**VARIED, "color": 0.1, "epochs": 4})
    whole = train(config, store, None, RunOptions(tmp_path / "whole"))
    train(config, store, None, RunOptions(tmp_path / "parts", stop_after_steps=3))
    parts = train(config, store, None, RunOptions(tmp_path / "parts", resume=True))
    assert whole.step == parts.step == 8
    for name, value in whole.average.model.state_dict().items():
        assert torch.equal(value, parts.average.model.state_dict()[name]), name


def test_a_time_box_ends_with_the_cosine(
    tmp_path: Path, store: SceneStore, toy_config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks) * 0.25)
    config = toy_config.with_train(**{**VARIED, "max_seconds": 60.0, "plain_share": 0.5})
    first = train(config, store, store, RunOptions(tmp_path, stop_after_steps=20))
    assert first.step == 20
    assert 0 < first.seconds < 60
    last = train(config, store, store, RunOptions(tmp_path, resume=True))
    assert last.step > 30
    assert 60 <= last.seconds < 63
    # two percent of the peak are left, and an evaluation measures the result
    assert last.optimizer.param_groups[0]["lr"] == pytest.approx(0.02 * config.train.lr, rel=0.05)
    assert (tmp_path / "history.jsonl").exists()
    again = train(config, store, None, RunOptions(tmp_path, resume=True))
    assert again.step == last.step


def test_updates_in_a_time_box_follow_the_rate() -> None:
    assert steps_in(100.0, 50, 25.0) == 200
    assert steps_in(100.0, 50, 100.0) == 50
    assert steps_in(100.0, 50, 120.0) == 50
    assert steps_in(100.0, 1, 99.9) == 2
    assert steps_in(100.0, 0, 0.0) > 1e12


def test_training_goes_on_from_another_run(tmp_path: Path, store: SceneStore, toy_config: RunConfig) -> None:
    config = toy_config.with_train(epochs=2, resident=True)
    parent = train(config, store, None, RunOptions(tmp_path / "first"))
    next_config = replace(toy_config.with_train(epochs=1, lr=1e-9, warmup_steps=0, resident=True), parent="a" * 64)
    start = start_from(tmp_path / "first" / LAST, next_config)
    state = train(next_config, store, None, RunOptions(tmp_path / "second"), start)
    assert [stage["stage"] for stage in state.stages] == ["train"]
    for name, value in parent.average.model.named_parameters():
        torch.testing.assert_close(dict(state.model.named_parameters())[name], value, atol=1e-6, rtol=0)


def test_resident_answers_are_the_cached_ones(tmp_path: Path, toy_config: RunConfig) -> None:
    data = toy_store(tmp_path / "data", 20, seed=3)
    live = LiveTeacher(noisy_detector(toy_config), bf16=False)
    config = toy_config.with_train(**VARIED)
    cached = CachedTeacher(cached_answers(data, live, "a" * 64, config.model))
    resident = ResidentTeacher(data, live, config.model, CPU)
    batch = ResidentBatches(data, config.with_train(unscaled=0.7), CPU).make(1, 0.3)
    (expected, known), (raw, also_known) = cached(batch), resident(batch)
    assert torch.equal(known, also_known)
    assert 0 < int(known.sum()) < len(known)
    torch.testing.assert_close(raw[known], expected[known], atol=2e-3, rtol=2e-3)


def test_a_student_of_resident_scenes_learns(tmp_path: Path, store: SceneStore, toy_config: RunConfig) -> None:
    train(toy_config.with_train(epochs=2), store, None, RunOptions(tmp_path / "teacher"))
    plain = {"mosaic": 0.0, "unscaled": 1.0, "resident": True, "epochs": 2}
    settings = DistillConfig(digest_of(tmp_path / "teacher" / LAST))
    config = replace(toy_config.with_train(**plain), distill=settings)
    where = {"device": CPU, "resident": True}
    teacher = teacher_of(tmp_path / "teacher" / LAST, store, settings, cache=True, bf16=False, **where)
    state = train(config, store, None, RunOptions(tmp_path / "student"), teacher=teacher)
    assert state.step == 4
    with pytest.raises(ValueError, match="--teacher-live"):
        teacher_of(tmp_path / "teacher" / LAST, store, replace(settings, live=True), cache=True, bf16=False, **where)


def test_what_does_not_go_together_is_refused(
    tmp_path: Path, store: SceneStore, toy_config: RunConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    if not torch.cuda.is_available():
        assert main(["train", "--data", str(store.folder), "--run", str(tmp_path), "--device", "cuda"]) == 1
        assert "no CUDA device" in capsys.readouterr().err
        assert device_of("auto") == CPU
    with pytest.raises(ValueError, match="one of auto"):
        device_of("gpu")
    last = tmp_path / "run" / LAST
    train(toy_config.with_train(epochs=1), store, None, RunOptions(last.parent))
    command = ["prune", "--data", str(store.folder), "--from", str(last), "--run", str(tmp_path / "pruned")]
    assert main([*command, "--max-seconds", "5", "--device", "cpu"]) == 1
    assert "prune by epochs" in capsys.readouterr().err
