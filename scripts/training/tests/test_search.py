"""Search stops trials that fall behind, resumes where it was stopped, and stays the same search."""

from __future__ import annotations

import json
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from goshawk_training import search as module
from goshawk_training.cli import main
from goshawk_training.config import RunConfig
from goshawk_training.data import SceneStore
from goshawk_training.evaluate import Evaluation
from goshawk_training.search import BEST, JOURNAL, SearchOptions, search
from goshawk_training.train import RunOptions


def trials(folder: Path) -> list[optuna.trial.FrozenTrial]:
    storage = JournalStorage(JournalFileBackend(str(folder / JOURNAL)))
    return optuna.load_study(study_name="search", storage=storage).trials


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs whose AP is known: best at a box weight of 7, and growing with the epochs."""

    def run(config: RunConfig, _store: SceneStore, _validation: SceneStore, options: RunOptions) -> None:
        for epoch in range(1, config.train.epochs + 1):
            assert options.on_evaluation is not None
            options.on_evaluation(epoch, Evaluation(epoch / (10 + abs(config.train.box_weight - 7)), 0.0, 1))

    monkeypatch.setattr(module, "train", run)


@pytest.mark.usefixtures("pretended")
@pytest.mark.parametrize("stopper", ["median", "hyperband"])
def test_finds_the_best_and_ends_the_rest_early(
    tmp_path: Path, store: SceneStore, toy_config: RunConfig, stopper: str
) -> None:
    config = toy_config.with_train(epochs=9)
    best = search(config, store, store, SearchOptions(tmp_path, 25, stopper=stopper, names=("box_weight",)))
    assert abs(best["settings"]["box_weight"] - 7) < 1
    assert best["endedEarly"] >= 5
    assert json.loads((tmp_path / BEST).read_text()) == best
    ended = [t for t in trials(tmp_path) if t.state == TrialState.PRUNED]
    assert all(len(t.intermediate_values) < 9 for t in ended)


@pytest.mark.usefixtures("pretended")
def test_resumed_search_is_the_same(tmp_path: Path, store: SceneStore, toy_config: RunConfig) -> None:
    config = toy_config.with_train(epochs=3)
    search(config, store, store, SearchOptions(tmp_path / "whole", 8))
    search(config, store, store, SearchOptions(tmp_path / "parts", 5))
    search(config, store, store, SearchOptions(tmp_path / "parts", 8))
    assert [t.params for t in trials(tmp_path / "parts")] == [t.params for t in trials(tmp_path / "whole")]
    assert len(trials(tmp_path / "parts")) == 8


def test_a_killed_trial_does_not_come_back(
    tmp_path: Path, store: SceneStore, toy_config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "train", killed)
    with pytest.raises(KeyboardInterrupt):
        search(toy_config, store, store, SearchOptions(tmp_path, 1))
    monkeypatch.setattr(module, "train", lambda *_: None)
    search(toy_config, store, store, SearchOptions(tmp_path, 1))
    assert [t.state for t in trials(tmp_path)] == [TrialState.FAIL, TrialState.COMPLETE]


def test_command_trains_for_real(tmp_path: Path, store: SceneStore, validation: SceneStore) -> None:
    command = ["search", "--data", str(store.folder), "--validation", str(validation.folder), "--run", str(tmp_path)]
    command += ["--trials", "1", "--epochs", "1", "--batch", "8", "--names", "lr", "--no-bf16", "--threads", "1"]
    assert main(command) == 0
    best = json.loads((tmp_path / BEST).read_text())
    assert 3e-4 <= best["settings"]["lr"] <= 6e-3
    assert (tmp_path / "trial-0" / "last.pt").exists()


def test_unknown_settings_are_refused(tmp_path: Path, store: SceneStore, toy_config: RunConfig) -> None:
    with pytest.raises(ValueError, match="cannot search luck"):
        search(toy_config, store, store, SearchOptions(tmp_path, names=("luck",)))
    with pytest.raises(ValueError, match="--stopper"):
        search(toy_config, store, store, SearchOptions(tmp_path, stopper="never"))
