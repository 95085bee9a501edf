"""The training loop of every stage."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import torch
from torch import nn

from . import checkpoint
from .calibrate import measure_ranges
from .config import RunConfig
from .data import SceneStore
from .device import CPU, peak_memory
from .distill import Lesson
from .evaluate import Evaluation, evaluate_model
from .feed import batches_of
from .lineage import made_by
from .loader import Batch, steps_per_epoch
from .loss import DetectionLoss, LossParts
from .masks import apply_masks
from .processes import Processes, joined
from .progress import Progress
from .prune import Pruning
from .quantize import set_mode
from .schedule import learning_rate, mosaic_share, steps_in
from .state import TrainState, new_state
from .teacher import Teacher
from .threads import Threads

LAST, HISTORY = "last.pt", "history.jsonl"


@dataclass(frozen=True)
class RunOptions:
    """How a run executes; affects nothing about the weights but their rounding."""

    folder: Path
    resume: bool = False
    checkpoint_seconds: float = 120.0
    threads: int = 1
    evaluate_every: int = 4
    """epochs between evaluations on the validation store"""
    stop_after_steps: int | None = None
    """stop early, as after a kill, with a checkpoint (for tests and for sharing a machine)"""
    on_evaluation: Callable[[int, Evaluation], None] | None = None
    """called with epoch and result; an exception ends the run"""
    device: torch.device = CPU
    begun: float = field(default_factory=lambda: time.monotonic())
    """start of the time box, which includes loading of scenes and computing teacher outputs"""


def train(
    config: RunConfig,
    store: SceneStore,
    validation: SceneStore | None,
    options: RunOptions,
    start: Callable[[], TrainState] | None = None,
    teacher: Teacher | None = None,
) -> TrainState:
    """Trains to the end of the schedule, or until SIGINT or SIGTERM, which leave a checkpoint to resume from.

    `start` returns the initial state of a stage; without it, weights come from the seed. Under `torchrun` each
    process trains on its share of every batch.
    """
    if (config.distill is None) != (teacher is None):
        raise ValueError("a teacher is needed if, and only if, the run has settings for distillation")
    with joined() as processes:
        if not processes.alone and config.qat is not None:
            raise ValueError("ranges are measured by one process: start `qat` without torchrun")
        _check(config, options, processes)
        options.folder.mkdir(parents=True, exist_ok=True)
        state = _begin(config, store, options, start)
        run = _Run(config, store, validation, options, teacher, processes, state)
        run.go()
        return run.state


class _Run:
    def __init__(
        self,
        config: RunConfig,
        store: SceneStore,
        validation: SceneStore | None,
        options: RunOptions,
        teacher: Teacher | None,
        processes: Processes,
        state: TrainState,
    ) -> None:
        self.config, self.store, self.validation, self.options = config, store, validation, options
        self.teacher, self.processes, self.state = teacher, processes, state
        self._threads = Threads(options.threads)
        self._per_epoch = steps_per_epoch(store, config)
        self._total = self._per_epoch * config.train.epochs
        if config.train.max_seconds:
            self._total = steps_in(config.train.max_seconds, state.step, state.seconds)
        loss_of = DetectionLoss(config.model, config.train.box_weight, config.distill, processes.norm)
        self._loss_of = loss_of.to(options.device)
        self._batches = batches_of(store, config, options.device, processes.share)
        if config.train.resident:
            print(
                f"{len(store)} scenes in device memory {time.monotonic() - options.begun:.1f} s after the start",
                flush=True,
            )
        self._made_by = made_by(options.device)
        self._seconds_before = state.seconds
        self._saved_at = time.monotonic()
        if config.prune:
            # each pruning step makes new shapes, for which a kernel search does not pay off
            torch.backends.cudnn.benchmark = False
        self._pruning = Pruning(config, self._total, processes.agree) if config.prune else None
        if self._pruning:
            self._pruning.check_reachable(state)
        if config.qat and state.step == 0:
            measure_ranges(state, config, store)
        self._wrapped = processes.wrapped(state.model)

    def go(self) -> None:
        if self._time_is_up():
            return
        progress = Progress(self._total, self._per_epoch, self.config.train.batch, self.state.step)
        steps = self._batches.stream(self.state.step, self._last_step(), self._mosaics)
        with _StopRequest() as stop:
            for step, batch in steps:
                begun = time.monotonic()
                self._threads.look(step)
                rate, parts = self._update(step, batch)
                self._take_time(begun)
                if self.processes.first:
                    progress.total = self._total
                    progress.show(self.state.step, rate, parts)
                if self.processes.any(stop.wanted):
                    self._save()
                    if self.processes.first:
                        print(f"stopped at step {self.state.step}; --resume continues from {self._last}", flush=True)
                    return
                if time.monotonic() - self._saved_at > self.options.checkpoint_seconds:
                    self._save()
                if self._time_is_up():
                    break
                self._evaluate_if_due()
        self._save()
        if line := peak_memory(self.options.device):
            print(line, flush=True)
        if self._time_is_up():
            self._evaluate(max(1, round(self.state.step / self._per_epoch)))

    def _last_step(self) -> int | None:
        """Last step of the run; None: it ends by time alone."""
        if not self.config.train.max_seconds:
            return min(self._total, self.options.stop_after_steps or self._total)
        return self.options.stop_after_steps

    def _take_time(self, begun: float) -> None:
        """Counts the seconds of an update; with a time box, all elapsed time."""
        now = time.monotonic()
        limit = self.config.train.max_seconds
        if not limit:
            self.state.seconds += now - begun
            return
        self.state.seconds = self._seconds_before + now - self.options.begun
        self._total = steps_in(limit, self.state.step, self.state.seconds)

    def _time_is_up(self) -> bool:
        return 0 < self.config.train.max_seconds <= self.state.seconds

    def _mosaics(self, step: int) -> float:
        train, limit = self.config.train, self.config.train.max_seconds
        if limit:
            return mosaic_share(self.state.seconds, limit, train.mosaic, train.plain_share)
        return mosaic_share(step // self._per_epoch, train.epochs, train.mosaic, train.plain_share)

    def _update(self, step: int, batch: Batch) -> tuple[float, LossParts]:
        config, state = self.config, self.state
        if self._pruning:
            done = self._pruning.before(step, state, self._loss_of, lambda count: self._upcoming(step, count))
            if done:
                # the state has another network now
                self._wrapped = self.processes.wrapped(state.model)
                if self.processes.first:
                    print(f"step {step}: {done}", flush=True)
        if config.qat:
            set_mode(state.model, frozen=step >= config.qat.freeze_share * self._total)
        lesson = Lesson(*self.teacher(batch)) if self.teacher else None
        result = train_step(state, config, self._loss_of, batch, step, self._total, lesson, self._wrapped)
        state.step = step + 1
        return result

    def _upcoming(self, step: int, count: int) -> list[Batch]:
        return [self._batches.make(step + k, self._mosaics(step + k)) for k in range(count)]

    @property
    def _last(self) -> Path:
        return self.options.folder / LAST

    def _save(self) -> None:
        if self.processes.first:
            checkpoint.save(self._last, self.state, self.config, self.store.meta, self._made_by)
        self._saved_at = time.monotonic()

    def _evaluate_if_due(self) -> None:
        epoch, within = divmod(self.state.step, self._per_epoch)
        due = within == 0 and (epoch % self.options.evaluate_every == 0 or epoch == self.config.train.epochs)
        if due:
            self._evaluate(epoch)

    def _evaluate(self, epoch: int) -> None:
        if self.validation is None or not self.processes.first:
            return
        result = evaluate_model(self.state.average.model, self.validation)
        print(f"epoch {epoch}: {result.summary()}", flush=True)
        seconds = round(self.state.seconds, 1)
        line = {"epoch": epoch, "step": self.state.step, "seconds": seconds, **result.to_json()}
        with (self.options.folder / HISTORY).open("a") as file:
            file.write(json.dumps(line) + "\n")
        if self.options.on_evaluation:
            self.options.on_evaluation(epoch, result)


def train_step(
    state: TrainState,
    config: RunConfig,
    loss_of: DetectionLoss,
    batch: Batch,
    step: int,
    total: int,
    lesson: Lesson | None = None,
    network: nn.Module | None = None,
) -> tuple[float, LossParts]:
    """One update of weights and average; returns the learning rate and the loss.

    `network` is the state's own, wrapped to average gradients over processes if there are several.
    """
    settings = config.train
    rate = learning_rate(step, total, settings.lr, settings.lr_floor, settings.warmup_steps)
    for group in state.optimizer.param_groups:
        group["lr"] = rate * group.get("relative_rate", 1.0)
    state.model.train()
    with torch.autocast(batch.images.device.type, dtype=torch.bfloat16, enabled=settings.bf16):
        raw = (network or state.model)(batch.images)
    parts = loss_of(raw, batch.targets, lesson)
    if not torch.isfinite(parts.total):
        raise FloatingPointError(f"the loss is {parts.total.item()} at step {step}: lower --lr or use --no-bf16")
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
        raise FileExistsError(f"{last} exists: use --resume to continue it, or another --run folder")
    if not last.exists():
        return start() if start else new_state(config, options.device)
    state = checkpoint.restore(last, config, store.meta["digest"], options.device)
    print(f"resumed at step {state.step} from {last}", flush=True)
    return state


def _check(config: RunConfig, options: RunOptions, processes: Processes) -> None:
    """Refuses incompatible settings, before any time is spent."""
    limited = config.train.max_seconds > 0
    if not processes.alone and (config.train.resident or limited or options.device.type != "cpu"):
        raise ValueError("--resident, --max-seconds and CUDA need a single process: start without torchrun")
    if limited and config.prune is not None and config.prune.sparsity_steps > 1:
        raise ValueError("--max-seconds allows at most one of --sparsity-steps: prune by epochs, then continue with it")
    if limited and config.qat is not None:
        raise ValueError("--max-seconds is not for `qat`, whose ranges freeze after a share of its epochs")


class _StopRequest:
    """Turns SIGINT and SIGTERM into a stop request that the loop honors after its step."""

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
