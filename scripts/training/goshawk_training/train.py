"""The training loop."""

from __future__ import annotations

import json
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import torch
from torch import nn

from . import checkpoint
from .checkpoint import TrainState
from .config import RunConfig
from .data import SceneStore
from .ema import WeightAverage
from .evaluate import evaluate_model
from .loader import Batch, batches, steps_per_epoch
from .loss import DetectionLoss, LossParts
from .model import Detector
from .progress import Progress
from .schedule import learning_rate
from .threads import Threads

LAST, HISTORY = "last.pt", "history.jsonl"


@dataclass(frozen=True)
class RunOptions:
    """How a run is carried out; it decides nothing about the weights but their rounding."""

    folder: Path
    resume: bool = False
    checkpoint_seconds: float = 120.0
    threads: int = 1
    evaluate_every: int = 4
    """epochs between evaluations on the validation store"""
    stop_after_steps: int | None = None
    """end early, as a kill would, with a checkpoint (for tests and for sharing a machine)"""


def new_state(config: RunConfig) -> TrainState:
    """Weights, their average and the optimizer at step 0, from the seed."""
    torch.manual_seed(config.train.seed)
    model = Detector(config.model).to(memory_format=torch.channels_last)
    return TrainState(
        model, WeightAverage(model, config.train.ema_decay, config.train.ema_ramp), _optimizer(model, config)
    )


def train(config: RunConfig, store: SceneStore, validation: SceneStore | None, options: RunOptions) -> TrainState:
    """Trains to the end of the schedule, or until SIGINT or SIGTERM, which leave a checkpoint to resume from."""
    threads = Threads(options.threads)
    options.folder.mkdir(parents=True, exist_ok=True)
    last = options.folder / LAST
    digest = store.meta["digest"]
    state = new_state(config)
    if options.resume and last.exists():
        checkpoint.restore(last, state, config, digest)
        print(f"resumed at step {state.step} from {last}", flush=True)
    elif last.exists():
        raise FileExistsError(f"{last} exists: give --resume to go on with it, or another --run folder")

    per_epoch = steps_per_epoch(store, config)
    total = per_epoch * config.train.epochs
    end = min(total, options.stop_after_steps or total)
    loss_of = DetectionLoss(config.model, config.train.box_weight)
    progress = Progress(total, per_epoch, config.train.batch, state.step)
    saved_at = time.monotonic()
    with _StopRequest() as stop:
        for step, batch in batches(store, config, state.step, end):
            begun = time.monotonic()
            threads.look(step)
            rate, parts = train_step(state, config, loss_of, batch, step, total)
            state.step = step + 1
            progress.show(state.step, rate, parts)
            epoch_done = state.step % per_epoch == 0
            if time.monotonic() - saved_at > options.checkpoint_seconds or stop.wanted:
                checkpoint.save(last, state, config, digest)
                saved_at = time.monotonic()
            state.seconds += time.monotonic() - begun
            if stop.wanted:
                print(f"stopped at step {state.step}; --resume goes on from {last}", flush=True)
                return state
            if epoch_done and validation is not None:
                epoch = state.step // per_epoch
                if epoch % options.evaluate_every == 0 or epoch == config.train.epochs:
                    _report(state, epoch, validation, options.folder)
    checkpoint.save(last, state, config, digest)
    return state


def train_step(
    state: TrainState, config: RunConfig, loss_of: DetectionLoss, batch: Batch, step: int, total: int
) -> tuple[float, LossParts]:
    """One update of weights and average; returns the learning rate and the loss."""
    settings = config.train
    rate = learning_rate(step, total, settings.lr, settings.lr_floor, settings.warmup_steps)
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    pictures, targets = batch
    state.model.train()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=settings.bf16):
        raw = state.model(pictures)
    parts = loss_of(raw, targets)
    if not torch.isfinite(parts.total):
        raise FloatingPointError(f"the loss is {parts.total.item()} at step {step}: lower --lr or give --no-bf16")
    state.optimizer.zero_grad()
    parts.total.backward()
    nn.utils.clip_grad_norm_(state.model.parameters(), settings.grad_clip)
    state.optimizer.step()
    state.average.update(state.model)
    return rate, parts


def _optimizer(model: Detector, config: RunConfig) -> torch.optim.Optimizer:
    """AdamW; norms and biases are not decayed."""
    decayed = [p for p in model.parameters() if p.ndim > 1]
    free = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed}, {"params": free, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.train.lr, weight_decay=config.train.weight_decay, fused=True)


def _report(state: TrainState, epoch: int, validation: SceneStore, folder: Path) -> None:
    result = evaluate_model(state.average.model, validation)
    print(f"epoch {epoch}: {result.summary()}", flush=True)
    with (folder / HISTORY).open("a") as file:
        line = {"epoch": epoch, "step": state.step, "seconds": round(state.seconds, 1), **result.to_json()}
        file.write(json.dumps(line) + "\n")


class _StopRequest:
    """Turns SIGINT and SIGTERM into a wish that the loop honors after its step."""

    def __init__(self) -> None:
        self.wanted = False

    def __enter__(self) -> _StopRequest:
        self._before = {s: signal.signal(s, self._ask) for s in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.wanted = True
