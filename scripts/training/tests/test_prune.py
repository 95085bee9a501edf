"""Pruned networks follow the schedule, compute what is left, and survive checkpoints."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from goshawk_training import checkpoint
from goshawk_training.assign import assign
from goshawk_training.channels import channels_of, convolutions
from goshawk_training.cli import main
from goshawk_training.config import FAMILY, PruneConfig, RunConfig
from goshawk_training.cost import multiply_adds, parameters
from goshawk_training.data import Scene, SceneStore, StoreWriter
from goshawk_training.groups import ChannelGroup, channel_groups, dependency_graph
from goshawk_training.importance import importance_of, measure_gates
from goshawk_training.loader import make_batch
from goshawk_training.loss import DetectionLoss
from goshawk_training.model import Detector, decode_boxes
from goshawk_training.prune import prune_to, remove_channels, sparsity_steps
from goshawk_training.schedule import polynomial_sparsity
from goshawk_training.stages import start_from
from goshawk_training.state import TrainState, state_of
from goshawk_training.train import LAST, RunOptions, train, train_step

from .test_export import noisy_detector

SETTINGS = PruneConfig(
    sparsity_initial=0.3,
    sparsity_final=0.5,
    sparsity_steps=3,
    channel_multiple=2,
    least_share=0.25,
    importance_batches=1,
)


def counted_multiply_adds(model: Detector) -> int:
    """Counted by torch itself."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model.eval()(torch.zeros(1, 3, model.config.input_height, model.config.input_width))
    return counter.get_total_flops() // 2


def pruning(config: RunConfig, **changes: object) -> RunConfig:
    return replace(config, prune=replace(SETTINGS, **changes))  # type: ignore[arg-type]


def trained_state(config: RunConfig, store: SceneStore) -> TrainState:
    """After a few updates, so that the optimizer has moments and the norms have statistics."""
    state = state_of(noisy_detector(config), config)
    loss_of = DetectionLoss(config.model, config.train.box_weight)
    for step in range(3):
        train_step(state, config, loss_of, make_batch(store, config, step), step, 100)
    return state


def test_sparsity_rises_as_a_cubic() -> None:
    assert [polynomial_sparsity(t, 0.5, 0.9) for t in (0, 0.5, 1)] == pytest.approx([0.5, 0.85, 0.9])
    steps = sparsity_steps(PruneConfig(sparsity_steps=5, prune_share=0.5), 800)
    assert list(steps) == [0, 100, 200, 300, 400]
    assert list(steps.values()) == pytest.approx([0.5, 0.9 - 0.4 * 0.75**3, 0.85, 0.9 - 0.4 * 0.25**3, 0.9])
    assert sparsity_steps(PruneConfig(sparsity_steps=0), 800) == {}
    assert sparsity_steps(PruneConfig(sparsity_steps=1), 800) == {0: 0.9}


@pytest.mark.parametrize("family", sorted(FAMILY))
def test_multiply_adds_are_those_that_torch_counts(family: str) -> None:
    model = Detector(FAMILY[family])
    assert multiply_adds(model) == counted_multiply_adds(model)


def test_groups_cover_every_layer_once_but_the_predictions() -> None:
    model = Detector(FAMILY["small"])
    groups = channel_groups(model, dependency_graph(model))
    outputs = [name for group in groups for name in group.outputs]
    predictions = [f"heads.{i}.{name}" for i in range(3) for name in ("classes", "box", "objectness")]
    assert sorted(outputs + predictions) == sorted(convolutions(model))


def silence(model: Detector, group: ChannelGroup, channels: list[int]) -> None:
    """Zeroes channels of a group in their batch norms."""
    for name, indices in group.norms.items():
        norm = model.get_submodule(name)
        assert isinstance(norm, nn.BatchNorm2d)
        for channel in channels:
            norm.weight.data[indices[channel]] = 0
            norm.bias.data[indices[channel]] = 0


def test_removing_silent_channels_changes_nothing(toy_config: RunConfig, store: SceneStore) -> None:
    """Through concatenations, residual sums, repeated pooling and the three heads."""
    state = trained_state(toy_config, store)
    groups = channel_groups(state.model, dependency_graph(state.model))
    removed = {group.root: [1, group.size - 2] for group in groups}
    for group in groups:
        silence(state.model, group, removed[group.root])
        silence(state.average.model, group, removed[group.root])
    images = make_batch(store, toy_config, 0).images
    with torch.inference_mode():
        expected, expected_average = state.model.eval()(images), state.average.model(images)
    remove_channels(state, toy_config, removed)
    assert parameters(state.model) < 0.75 * parameters(Detector(toy_config.model))
    with torch.inference_mode():
        torch.testing.assert_close(state.model.eval()(images), expected, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(state.average.model(images), expected_average, atol=1e-4, rtol=1e-4)


def test_moments_stay_with_their_weights(toy_config: RunConfig, store: SceneStore) -> None:
    state = trained_state(toy_config, store)
    # mark each weight by its moment
    for parameter in state.model.parameters():
        state.optimizer.state[parameter]["exp_avg"].copy_(parameter.detach() * 3)
    remove_channels(state, toy_config, {"heads.0.stem.conv": [0, 5], "backbone.stage4.1.blocks.0.spatial.conv": [1]})
    assert len(state.optimizer.state) == len(list(state.model.parameters()))
    for parameter in state.model.parameters():
        moments = state.optimizer.state[parameter]
        torch.testing.assert_close(moments["exp_avg"], parameter.detach() * 3)
        assert moments["exp_avg"].stride() == parameter.stride()
        assert moments["step"] == 3
    # and training continues
    train_step(state, toy_config, DetectionLoss(toy_config.model, 5.0), make_batch(store, toy_config, 3), 3, 100)


@pytest.mark.parametrize("importance", ["taylor", "l2", "bn"])
@pytest.mark.parametrize("measure", ["macs", "parameters"])
def test_prunes_to_the_sparsity_asked_for(
    toy_config: RunConfig, store: SceneStore, importance: str, measure: str
) -> None:
    config = pruning(toy_config, importance=importance, measure=measure)
    state = trained_state(config, store)
    count = {"macs": counted_multiply_adds, "parameters": parameters}[measure]
    before, largest = count(state.model), max(c.out_channels for c in convolutions(state.model).values())
    loss_of = DetectionLoss(config.model, 5.0)
    prune_to(state, config, 0.4, loss_of, lambda n: [make_batch(store, config, s) for s in range(n)])
    # a block of two channels is the finest step
    assert 0.4 <= 1 - count(state.model) / before < 0.4 + 4 * 2 / largest
    for name, conv in convolutions(state.model).items():
        if name.rpartition(".")[2] == "conv":
            assert conv.out_channels % 2 == 0
            assert conv.out_channels >= 2
    for head in state.model.heads:
        assert (head.classes.out_channels, head.box.out_channels, head.objectness.out_channels) == (3, 4, 1)


def test_taylor_is_the_slope_of_the_loss(
    toy_config: RunConfig, store: SceneStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = trained_state(toy_config, store)
    # without boxes: the aspect term of their loss has a factor that gradients do not see
    loss_of, batch = DetectionLoss(toy_config.model, 0.0), make_batch(store, toy_config, 0)
    for norm in state.model.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.momentum = 1.0
    # statistics of this batch, so that activations are non-zero with the norms' running statistics
    state.model.train()(batch.images)
    groups = channel_groups(state.model, dependency_graph(state.model))
    group = next(g for g in groups if len(g.norms) > 1)
    silence(state.model, group, [2])
    gates = measure_gates(state.model, loss_of, [batch], bf16=False)
    importance = importance_of("taylor", gates)(group)
    assert importance[2] == 0

    # gradients see a fixed assignment: a cell that changes its object is a jump of the loss
    with torch.no_grad():
        raw = copy.deepcopy(state.model).eval()(batch.images)
    boxes = decode_boxes(raw[..., :4], loss_of.corners, loss_of.strides)
    scores = raw[..., 4:5].sigmoid() * raw[..., 5:].sigmoid()
    found = assign(scores, boxes, loss_of.centers, loss_of.strides, batch.targets)
    monkeypatch.setattr("goshawk_training.loss.assign", lambda *_: found)

    def loss_with(factor: float, channel: int) -> float:
        model = copy.deepcopy(state.model).eval().double()
        for name, indices in group.norms.items():
            norm = model.get_submodule(name)
            norm.weight.data[indices[channel]] *= factor
            norm.bias.data[indices[channel]] *= factor
        with torch.inference_mode():
            return float(loss_of(model(batch.images.double()), batch.targets).total)

    channel = int(importance.argmax())
    # small, in double precision: the loss bends at every ReLU
    step = 3e-5
    slope = (loss_with(1 + step, channel) - loss_with(1 - step, channel)) / (2 * step)
    assert math.sqrt(float(importance[channel])) == pytest.approx(abs(slope), rel=0.1)


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory, store: SceneStore, toy_config: RunConfig) -> Path:
    folder = tmp_path_factory.mktemp("parent")
    train(toy_config.with_train(epochs=3), store, None, RunOptions(folder))
    return folder / LAST


def test_resumed_pruning_equals_uninterrupted(
    tmp_path: Path, store: SceneStore, toy_config: RunConfig, parent: Path
) -> None:
    config = pruning(toy_config.with_train(epochs=3), two_four=True)
    start = start_from(parent, config)
    whole = train(config, store, None, RunOptions(tmp_path / "whole"), start)
    # pruned at steps 0, 1 and 3 of 6: stopped between, and again just before the last
    for stop in (2, 3):
        train(config, store, None, RunOptions(tmp_path / "parts", resume=True, stop_after_steps=stop), start)
    parts = train(config, store, None, RunOptions(tmp_path / "parts", resume=True), start)
    assert channels_of(whole.model) == channels_of(parts.model)
    for one, other in ((whole.model, parts.model), (whole.average.model, parts.average.model)):
        for name, value in one.state_dict().items():
            assert torch.equal(value, other.state_dict()[name]), name
    served = checkpoint.averaged_model(tmp_path / "parts" / LAST)
    assert 0.5 <= 1 - counted_multiply_adds(served) / multiply_adds(Detector(config.model)) < 0.7
    assert [record["stage"] for record in parts.stages] == ["train"]


def test_two_of_four_stay_zero_through_training(
    tmp_path: Path, store: SceneStore, toy_config: RunConfig, parent: Path
) -> None:
    config = pruning(toy_config.with_train(epochs=2), sparsity_steps=0, two_four=True)
    state = train(config, store, None, RunOptions(tmp_path), start_from(parent, config))
    for model in (state.model, state.average.model, checkpoint.averaged_model(tmp_path / LAST)):
        sparse = {n: c for n, c in convolutions(model).items() if c.in_channels % 4 == 0}
        assert len(sparse) == len(convolutions(model)) - 1
        for conv in sparse.values():
            groups = conv.weight.detach().reshape(conv.out_channels, -1, 4, *conv.kernel_size)
            assert (groups != 0).sum(2).max() == 2


def test_a_sparsity_out_of_reach_is_refused_at_once(
    tmp_path: Path, store: SceneStore, toy_config: RunConfig, parent: Path
) -> None:
    config = pruning(toy_config, sparsity_final=0.9, least_share=0.5)
    with pytest.raises(ValueError, match="cannot be reached"):
        train(config, store, None, RunOptions(tmp_path), start_from(parent, config))
    wrong = pruning(toy_config, importance="luck")
    with pytest.raises(ValueError, match="--importance"):
        train(wrong, store, None, RunOptions(tmp_path), start_from(parent, wrong))
    assert not (tmp_path / LAST).exists()


def test_the_teacher_may_see_the_scenes_shrunk_another_way(
    tmp_path: Path, store: SceneStore, parent: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its outputs come from the other store, and the run records which one."""
    darker = StoreWriter(tmp_path / "darker")
    for i in range(len(store)):
        scene = store[i]
        darker.add(Scene(scene.image // 2, scene.boxes, scene.classes))
    digest = darker.close({"seed": store.meta["seed"]})["digest"]
    given = ["distill", "--from", str(parent), "--teacher", str(parent), "--teacher-data", str(tmp_path / "darker")]
    given += ["--data", str(store.folder), "--run", str(tmp_path / "run"), "--threads", "1", "--no-bf16"]
    given += ["--epochs", "1", "--batch", "8"]
    assert main([*given, "--teacher-live"]) == 1
    assert "needs the teacher's cache" in capsys.readouterr().err
    assert main(given) == 0
    assert list((tmp_path / "darker").glob("teacher-*.f16"))
    assert checkpoint.read(tmp_path / "run" / LAST)["config"]["distill"]["data"] == digest


def test_commands_prune_with_a_teacher_and_export(tmp_path: Path, store: SceneStore, parent: Path) -> None:
    run = ["--data", str(store.folder), "--run", str(tmp_path / "run"), "--threads", "1", "--no-bf16"]
    settings = ["--epochs", "2", "--batch", "8", "--sparsity-initial", "0.3", "--sparsity-final", "0.5"]
    settings += ["--sparsity-steps", "2", "--channel-multiple", "4", "--importance-batches", "1"]
    assert main(["prune", "--from", str(parent), "--teacher", str(parent), *run, *settings]) == 0
    # a pruned network keeps learning in its present shape
    again = ["--epochs", "1", "--batch", "8", "--data", str(store.folder), "--run", str(tmp_path / "again")]
    again += ["--threads", "1", "--no-bf16", "--from", str(tmp_path / "run"), "--teacher", str(parent)]
    assert main(["distill", *again]) == 0
    shapes = [channels_of(checkpoint.averaged_model(tmp_path / name / LAST)) for name in ("run", "again")]
    assert shapes[0] == shapes[1]
    assert main(["export", "--run", str(tmp_path / "again"), "--data", str(store.folder), "--out", str(tmp_path)]) == 0
    stages = json.loads((tmp_path / "lineage.json").read_text())["stages"]
    assert [stage["stage"] for stage in stages] == ["train", "prune", "distill"]
    assert stages[2]["hyperparameters"]["distill"]["data"] is None
    assert stages[1]["inputDigest"] == stages[1]["teacher"]["digest"] == stages[0]["outputDigest"]
    done = stages[1]["pruning"]
    assert done["pattern"] == "channels"
    assert done["macsBefore"] == multiply_adds(Detector(RunConfig.from_json(stages[0]["hyperparameters"]).model))
    assert 0.5 <= 1 - done["macsAfter"] / done["macsBefore"] < 0.7
    assert stages[1]["schedules"]["sparsity"]["last"] == 0.5
