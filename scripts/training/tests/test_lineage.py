"""The record names what was trained with what, and its digests match the files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import torch

from goshawk_training.cli import main
from goshawk_training.config import LABELS, RunConfig, TrainConfig
from goshawk_training.data import SceneStore
from goshawk_training.lineage import source_digest, tool_versions
from goshawk_training.train import LAST, RunOptions, train

from .conftest import toy_store


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_export_writes_a_record_of_its_run(tmp_path: Path, store: SceneStore, toy_config: RunConfig) -> None:
    train(toy_config.with_train(epochs=1), store, store, RunOptions(tmp_path / "run", evaluate_every=1))
    command = ["export", "--run", str(tmp_path / "run"), "--out", str(tmp_path / "out"), "--data"]
    assert main([*command, str(store.folder)]) == 0
    record = json.loads((tmp_path / "out" / "lineage.json").read_text())
    assert record["datasetDigest"] == store.meta["digest"]
    assert RunConfig.from_json(record["hyperparameters"]) == toy_config.with_train(epochs=1)
    assert record["toolVersions"]["torch"] == torch.__version__.split("+")[0]
    assert record["training"]["checkpointDigest"] == sha256(tmp_path / "run" / LAST)
    assert record["training"]["onnxDigest"] == sha256(tmp_path / "out" / "model.onnx")
    assert record["training"]["codeDigest"] == source_digest()
    assert [e["epoch"] for e in record["training"]["evaluations"]] == [1]
    (stage,) = record["stages"]
    assert stage["stage"] == "train"
    assert stage["outputDigest"] == record["training"]["checkpointDigest"]
    assert stage["dataset"] == {"digest": store.meta["digest"], "count": len(store)}
    assert stage["schedules"]["learningRate"]["last"] == toy_config.train.lr * toy_config.train.lr_floor
    assert (tmp_path / "out" / "labels.txt").read_text().split("\n")[:-1] == list(LABELS)
    # the weights of one store are not exported under the name of another
    other = toy_store(tmp_path / "other", 2, seed=5)
    assert main([*command, str(other.folder)]) == 1


def test_settings_survive_json() -> None:
    config = RunConfig(train=TrainConfig(scale=(0.5, 2.0), seed=9))
    assert RunConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_versions_are_known() -> None:
    assert all(version[0].isdigit() for version in tool_versions().values())
