"""The training loop of every stage."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import torch
from torch import nn

from . import checkpoint
from .calibrate import measure_ranges
from .config import RunConfig
from .data import SceneStore
from .distill import Lesson
from .evaluate import Evaluation, evaluate_model
from .lineage import made_by
from .loader import Batch, batches, make_batch, steps_per_epoch
from .loss import DetectionLoss, LossParts
from .masks import apply_masks
from .progress import Progress
from .prune import Pruning
from .quantize import set_mode
from .schedule import learning_rate
from .state import TrainState, new_state
from .teacher import Teacher
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
    on_evaluation: Callable[[int, Evaluation], None] | None = None
    """is told epoch and result; what it raises ends the run"""


def train(
    config: RunConfig,
    store: SceneStore,
    validation: SceneStore | None,
    options: RunOptions,
    start: Callable[[], TrainState] | None = None,
    teacher: Teacher | None = None,
) -> TrainState:
    """Trains to the end of the schedule, or until SIGINT or SIGTERM, which leave a checkpoint to resume from.

    `start` gives the state that a stage begins with; without it, weights come from the seed.
    """
    if (config.distill is None) != (teacher is None):
        raise ValueError("a teacher is needed where, and only where, the run has settings for distillation")
    threads = Threads(options.threads)
    options.folder.mkdir(parents=True, exist_ok=True)
    last = options.folder / LAST
    state = _begin(config, store, options, start)
    per_epoch = steps_per_epoch(store, config)
    total = per_epoch * config.train.epochs
    end = min(total, options.stop_after_steps or total)
    loss_of = DetectionLoss(config.model, config.train.box_weight, config.distill)
    pruning = Pruning(config, total) if config.prune else None
    if pruning:
        pruning.check_reachable(state)
    if config.qat and state.step == 0:
        measure_ranges(state, config, store)
    progress = Progress(total, per_epoch, config.train.batch, state.step)
    made = made_by()
    saved_at = time.monotonic()
    with _StopRequest() as stop:
        for step, batch in batches(store, config, state.step, end):
            begun = time.monotonic()
            threads.look(step)
            if pruning:
                done = pruning.before(step, state, loss_of, lambda n, at=step: _upcoming(store, config, at, n))
                if done:
                    print(f"step {step}: {done}", flush=True)
            if config.qat:
                set_mode(state.model, frozen=step >= config.qat.freeze_share * total)
            lesson = Lesson(*teacher(batch)) if teacher else None
            rate, parts = train_step(state, config, loss_of, batch, step, total, lesson)
            state.step = step + 1
            progress.show(state.step, rate, parts)
            state.seconds += time.monotonic() - begun
            if time.monotonic() - saved_at > options.checkpoint_seconds or stop.wanted:
                checkpoint.save(last, state, config, store.meta, made)
                saved_at = time.monotonic()
            if stop.wanted:
                print(f"stopped at step {state.step}; --resume goes on from {last}", flush=True)
                return state
            epoch, within = divmod(state.step, per_epoch)
            due = within == 0 and (epoch % options.evaluate_every == 0 or epoch == config.train.epochs)
            if due and validation is not None:
                _report(state, epoch, validation, options)
    checkpoint.save(last, state, config, store.meta, made)
    return state


def train_step(
    state: TrainState,
    config: RunConfig,
    loss_of: DetectionLoss,
    batch: Batch,
    step: int,
    total: int,
    lesson: Lesson | None = None,
) -> tuple[float, LossParts]:
    """One update of weights and average; returns the learning rate and the loss."""
    settings = config.train
    rate = learning_rate(step, total, settings.lr, settings.lr_floor, settings.warmup_steps)
    for group in state.optimizer.param_groups:
        group["lr"] = rate * group.get("relative_rate", 1.0)
    state.model.train()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=settings.bf16):
        raw = state.model(batch.pictures)
    parts = loss_of(raw, batch.targets, lesson)
    if not torch.isfinite(parts.total):
        raise FloatingPointError(f"the loss is {parts.total.item()} at step {step}: lower --lr or give --no-bf16")
    state.optimizer.zero_grad()
    parts.total.backward()
    nn.utils.clip_grad_norm_(state.model.parameters(), settings.grad_clip, foreach=True)
    state.optimizer.step()
    apply_masks(state.model, state.masks)
    state.average.update(state.model)
    return rate, parts


def _begin(
    config: RunConfig, store: SceneStore, options: RunOptions, start: Callable[[], TrainState] | None
) -> TrainState:
    last = options.folder / LAST
    if last.exists() and not options.resume:
        raise FileExistsError(f"{last} exists: give --resume to go on with it, or another --run folder")
    if not last.exists():
        return start() if start else new_state(config)
    state = checkpoint.restore(last, config, store.meta["digest"])
    print(f"resumed at step {state.step} from {last}", flush=True)
    return state


def _upcoming(store: SceneStore, config: RunConfig, step: int, count: int) -> list[Batch]:
    return [make_batch(store, config, step + k) for k in range(count)]


def _report(state: TrainState, epoch: int, validation: SceneStore, options: RunOptions) -> None:
    result = evaluate_model(state.average.model, validation)
    print(f"epoch {epoch}: {result.summary()}", flush=True)
    with (options.folder / HISTORY).open("a") as file:
        line = {"epoch": epoch, "step": state.step, "seconds": round(state.seconds, 1), **result.to_json()}
        file.write(json.dumps(line) + "\n")
    if options.on_evaluation:
        options.on_evaluation(epoch, result)


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
