"""Teacher outputs: the formula, the cache, and that a student follows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from goshawk_training.config import DistillConfig, RunConfig
from goshawk_training.data import SceneStore
from goshawk_training.distill import Lesson, bernoulli_divergence
from goshawk_training.lineage import digest_of
from goshawk_training.loader import make_batch
from goshawk_training.loss import DetectionLoss
from goshawk_training.model import Detector
from goshawk_training.stages import teacher_of
from goshawk_training.state import new_state
from goshawk_training.teacher import CachedTeacher, LiveTeacher, cache_files, cached_answers
from goshawk_training.train import LAST, RunOptions, train

from .conftest import toy_store
from .test_export import noisy_detector

ALL_VIEWS = {"mosaic": 0.4, "scale": (0.7, 1.4), "unscaled": 0.5, "flip": 0.5, "color": 0.0}


def test_divergence_is_hintons_over_two_outcomes() -> None:
    generator = torch.Generator().manual_seed(1)
    student, teacher = torch.randn(2, 50, generator=generator) * 4
    two = [torch.stack((z, torch.zeros_like(z)), dim=-1) / 4.0 for z in (student, teacher)]
    expected = 16 * F.kl_div(two[0].log_softmax(-1), two[1].softmax(-1), reduction="none").sum(-1)
    torch.testing.assert_close(bernoulli_divergence(student, teacher, 4.0), expected, atol=1e-5, rtol=1e-4)
    assert bernoulli_divergence(teacher, teacher, 4.0).abs().max() < 1e-5


def test_a_student_that_agrees_pays_only_for_the_truth(store: SceneStore, toy_config: RunConfig) -> None:
    batch = make_batch(store, toy_config, 0)
    raw = noisy_detector(toy_config)(batch.images).detach()
    # certain of an object somewhere, so that there are cells to learn from
    raw[:, 10, 4:6] = 4.0
    settings = DistillConfig("", alpha=0.7, objectness=0.5, box=2.0)
    loss_of = DetectionLoss(toy_config.model, 5.0, settings)
    everyone = torch.ones(8, dtype=torch.bool)
    alone = loss_of(raw, batch.targets)
    taught = loss_of(raw, batch.targets, Lesson(raw, everyone))
    assert taught.teacher == pytest.approx(0, abs=1e-3)
    assert taught.classes == pytest.approx(0.3 * alone.classes, rel=1e-4)
    assert taught.objectness == pytest.approx(0.5 * alone.objectness, rel=1e-4)
    assert taught.box == pytest.approx(alone.box)
    # outputs that are valid for no image change nothing, whatever they are
    nobody = loss_of(raw, batch.targets, Lesson(raw + 7, ~everyone))
    assert float(nobody.total) == pytest.approx(float(alone.total), rel=1e-6)
    # each part of the outputs has an effect
    for columns in (slice(0, 4), slice(4, 5), slice(5, 8)):
        other = raw.clone()
        other[..., columns] += 0.5
        assert loss_of(raw, batch.targets, Lesson(other, everyone)).teacher > 1e-3


def test_cached_answers_are_those_of_the_teacher(tmp_path: Path, toy_config: RunConfig) -> None:
    data = toy_store(tmp_path / "data", 20, seed=3)
    config = toy_config.with_train(**ALL_VIEWS)
    live = LiveTeacher(noisy_detector(toy_config), bf16=False)
    answers = cached_answers(data, live, "a" * 64, config.model)
    batch = make_batch(data, config, 1)
    expected, _ = live(batch)
    raw, known = CachedTeacher(answers)(batch)
    assert known.tolist() == (batch.views >= 0).tolist()
    assert 0 < int(known.sum()) < len(known)
    torch.testing.assert_close(raw[known], expected[known], atol=0.02, rtol=2e-3)
    complete, known = CachedTeacher(answers, live)(batch)
    assert known.all()
    torch.testing.assert_close(complete, expected, atol=0.02, rtol=2e-3)


def test_cache_is_made_once_for_a_teacher_and_a_store(tmp_path: Path, toy_config: RunConfig) -> None:
    data = toy_store(tmp_path / "data", 20, seed=3)

    class Counting(LiveTeacher):
        looked = 0

        def look(self, images: torch.Tensor) -> torch.Tensor:
            self.looked += len(images)
            if self.looked > 40:
                raise OSError("no space left")
            return super().look(images)

    live = Counting(noisy_detector(toy_config), bf16=False)
    first = np.array(cached_answers(data, live, "a" * 64, toy_config.model))
    assert live.looked == 40
    assert np.array_equal(cached_answers(data, live, "a" * 64, toy_config.model), first)
    # another teacher has other outputs; interrupted ones do not count as complete
    with pytest.raises(OSError, match="no space"):
        cached_answers(data, live, "b" * 64, toy_config.model)
    live.looked = 0
    assert np.array_equal(cached_answers(data, live, "b" * 64, toy_config.model), first)
    # other data under the same folder
    again = toy_store(tmp_path / "data", 20, seed=4)
    live.looked = 0
    assert not np.array_equal(cached_answers(again, live, "a" * 64, toy_config.model), first)
    assert all(file.exists() for file in cache_files(again, "a" * 64))


def test_a_student_learns_from_answers_alone(tmp_path: Path, store: SceneStore, toy_config: RunConfig) -> None:
    model = noisy_detector(toy_config)
    for head in model.heads:
        # a teacher that detects something
        head.objectness.bias.data += 4.0
    teacher = LiveTeacher(model, bf16=False)
    distill = DistillConfig("a" * 64, alpha=1.0, objectness=1.0, box=1.0)
    config = replace(toy_config.with_train(epochs=20, box_weight=0.0, seed=5), distill=distill)
    loss_of, batch = DetectionLoss(config.model, 0.0, distill), make_batch(store, config, 0)

    def distance(student: Detector) -> float:
        with torch.no_grad():
            return loss_of(student.train()(batch.images), batch.targets, Lesson(*teacher(batch))).teacher

    before = distance(new_state(config).model)
    state = train(config, store, None, RunOptions(tmp_path), teacher=teacher)
    assert distance(state.model) < 0.7 * before
    with pytest.raises(ValueError, match="a teacher is needed"):
        train(config, store, None, RunOptions(tmp_path / "none"))


def test_another_teacher_is_refused(tmp_path: Path, store: SceneStore, toy_config: RunConfig) -> None:
    train(toy_config, store, None, RunOptions(tmp_path, stop_after_steps=1))
    with pytest.raises(ValueError, match="not the teacher"):
        teacher_of(tmp_path / LAST, store, DistillConfig("0" * 64), cache=True, bf16=False)
    live = teacher_of(tmp_path / LAST, store, DistillConfig(digest_of(tmp_path / LAST)), cache=False, bf16=False)
    assert live(make_batch(store, toy_config, 0))[1].all()
