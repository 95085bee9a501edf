"""Training learns, resumes to the same weights, and refuses to mix runs."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from goshawk_training import checkpoint
from goshawk_training.config import RunConfig
from goshawk_training.data import SceneStore
from goshawk_training.ema import WeightAverage
from goshawk_training.evaluate import evaluate_model
from goshawk_training.schedule import learning_rate, mosaic_share
from goshawk_training.train import HISTORY, LAST, RunOptions, train

from .conftest import toy_store


def test_learns_a_handful_of_scenes_by_heart(tmp_path: Path, store: SceneStore, toy_config: RunConfig) -> None:
    state = train(toy_config, store, store, RunOptions(tmp_path, evaluate_every=100))
    result = evaluate_model(state.average.model, store)
    assert result.ap50 > 0.9
    lines = (tmp_path / HISTORY).read_text().splitlines()
    assert json.loads(lines[-1])["ap50"] == pytest.approx(result.ap50, abs=1e-4)


def test_resumed_run_equals_uninterrupted_one(tmp_path: Path, store: SceneStore, toy_config: RunConfig) -> None:
    config = toy_config.with_train(epochs=4, mosaic=0.5, scale=(0.7, 1.4), flip=0.5, color=0.1)
    whole = train(config, store, None, RunOptions(tmp_path / "whole"))
    # stops in the middle of an epoch
    train(config, store, None, RunOptions(tmp_path / "parts", stop_after_steps=3))
    parts = train(config, store, None, RunOptions(tmp_path / "parts", resume=True))
    assert whole.step == parts.step == 8
    assert whole.average.updates == parts.average.updates
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, parts.model.state_dict()[name]), name
    for name, value in whole.average.model.state_dict().items():
        assert torch.equal(value, parts.average.model.state_dict()[name]), name


def test_other_seed_gives_other_weights(tmp_path: Path, store: SceneStore, toy_config: RunConfig) -> None:
    first = train(toy_config.with_train(epochs=1), store, None, RunOptions(tmp_path / "a"))
    second = train(toy_config.with_train(epochs=1, seed=2), store, None, RunOptions(tmp_path / "b"))
    assert not torch.equal(first.model.backbone.stem.conv.weight, second.model.backbone.stem.conv.weight)


def test_checkpoint_of_another_run_is_refused(tmp_path: Path, store: SceneStore, toy_config: RunConfig) -> None:
    config = toy_config.with_train(epochs=1)
    train(config, store, None, RunOptions(tmp_path))
    with pytest.raises(ValueError, match="other settings"):
        train(config.with_train(lr=1e-4), store, None, RunOptions(tmp_path, resume=True))
    with pytest.raises(ValueError, match="trained on"):
        train(config, toy_store(tmp_path / "other", 16, seed=9), None, RunOptions(tmp_path, resume=True))
    with pytest.raises(FileExistsError, match="--resume"):
        train(config, store, None, RunOptions(tmp_path))


def test_checkpoint_is_whole_or_absent(tmp_path: Path, store: SceneStore, toy_config: RunConfig) -> None:
    train(toy_config.with_train(epochs=1), store, None, RunOptions(tmp_path))
    assert sorted(p.name for p in tmp_path.iterdir()) == [LAST]
    assert checkpoint.read(tmp_path / LAST)["step"] == 2


def test_average_follows_the_weights() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(model.weight)
    average = WeightAverage(model, decay=0.9, ramp=5.0)
    torch.nn.init.ones_(model.weight)
    expected = 0.0
    for update in range(1, 20):
        average.update(model)
        decay = 0.9 * (1 - math.exp(-update / 5.0))
        expected = decay * expected + (1 - decay)
        assert average.model.weight.item() == pytest.approx(expected, abs=1e-6)
    assert model.weight.item() == 1.0


def test_learning_rate_warms_up_and_falls_as_a_cosine() -> None:
    rates = [learning_rate(step, 110, peak=1.0, floor=0.1, warmup=10) for step in range(111)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == rates[10] == pytest.approx(1.0)
    assert rates[60] == pytest.approx(0.55)
    assert rates[110] == pytest.approx(0.1)
    assert all(a >= b for a, b in pairwise(rates[10:]))


def test_mosaics_end_before_training_does() -> None:
    shares = [mosaic_share(epoch, 20, 0.5, 0.15) for epoch in range(20)]
    assert shares == [0.5] * 17 + [0.0] * 3
