"""Two processes train like one."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from goshawk_training import checkpoint
from goshawk_training.cli import main
from goshawk_training.config import QatConfig, RunConfig
from goshawk_training.cost import multiply_adds
from goshawk_training.data import SceneStore
from goshawk_training.loader import Share
from goshawk_training.model import Detector
from goshawk_training.processes import Processes
from goshawk_training.train import HISTORY, LAST, RunOptions, train

from .gradients_of_two import gradients

ROOT = Path(__file__).resolve().parents[1]
# without the dashes torchrun would take `--run` for its own `--run-path`
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "--"]


def run_two(*arguments: str) -> str:
    done = subprocess.run([*TORCHRUN, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_gradients_of_two_processes_are_those_of_one(tmp_path: Path, store: SceneStore, toy_config: RunConfig) -> None:
    config = toy_config.with_train(flip=0.5, color=0.1)
    (tmp_path / "settings.json").write_text(json.dumps(config.to_json()))
    paths = (store.folder, tmp_path / "settings.json", tmp_path / "gradients.pt")
    run_two("tests.gradients_of_two", *(str(path) for path in paths))
    two = torch.load(tmp_path / "gradients.pt", weights_only=True)
    one = gradients(store, config, Processes())
    assert set(one) == set(two)
    assert max(float(gradient.abs().max()) for gradient in one.values()) > 0.01
    for name, gradient in one.items():
        torch.testing.assert_close(two[name], gradient, atol=1e-5, rtol=1e-3, msg=name)


def test_command_trains_in_two_processes_and_resumes(
    tmp_path: Path, store: SceneStore, validation: SceneStore, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["--data", str(store.folder), "--validation", str(validation.folder), "--threads", "1", "--batch", "4"]
    settings += ["--epochs", "1", "--run", str(tmp_path), "--evaluate-every", "1", "--no-bf16"]
    output = run_two("goshawk_training", "train", *settings)
    assert output.count("epoch 1:") == 1
    assert checkpoint.read(tmp_path / LAST)["step"] == 4
    assert len((tmp_path / HISTORY).read_text().splitlines()) == 1
    # one process continues what two wrote
    assert main(["train", *settings, "--resume", "--stop-after-steps", "4"]) == 0
    assert "resumed at step 4" in capsys.readouterr().out


def test_two_processes_prune_with_a_teacher(tmp_path: Path, store: SceneStore, toy_config: RunConfig) -> None:
    """Both remove the same channels and continue with the same weights; one of them computes the teacher outputs."""
    train(toy_config.with_train(epochs=1), store, None, RunOptions(tmp_path / "parent"))
    parent = str(tmp_path / "parent" / LAST)
    settings = ["--from", parent, "--teacher", parent, "--data", str(store.folder), "--run", str(tmp_path / "run")]
    settings += ["--threads", "1", "--batch", "4", "--epochs", "2", "--no-bf16", "--sparsity-initial", "0.3"]
    settings += ["--sparsity-final", "0.5", "--sparsity-steps", "2", "--channel-multiple", "4"]
    output = run_two("goshawk_training", "prune", *settings, "--importance-batches", "1")
    assert output.count("pruned to 0.5") == 1
    assert output.count("teacher outputs: ") == 1
    stored = checkpoint.read(tmp_path / "run" / LAST)
    narrow = checkpoint.averaged_model_of(stored)
    assert 0.5 <= 1 - multiply_adds(narrow) / multiply_adds(Detector(toy_config.model)) < 0.7


def test_rounding_refuses_several_processes(
    tmp_path: Path, store: SceneStore, toy_config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("goshawk_training.train.joined", lambda: nullcontext(Processes(Share(0, 2))))
    with pytest.raises(ValueError, match="without torchrun"):
        train(replace(toy_config, qat=QatConfig()), store, None, RunOptions(tmp_path))
