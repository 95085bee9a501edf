"""Stages that start from another run's weights: fine-tuning with pruning, with a teacher, with rounding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from . import checkpoint
from .config import DistillConfig, RunConfig
from .data import SceneStore
from .device import CPU
from .lineage import digest_of, stage_record
from .quantize import quantize_aware
from .state import TrainState, state_of
from .teacher import CachedTeacher, LiveTeacher, ResidentTeacher, Teacher, cached_answers
from .train import LAST


def checkpoint_in(run: Path) -> Path:
    """The checkpoint for `--from` and `--teacher`: a file, or the last one of a run's folder."""
    return run / LAST if run.is_dir() else run


def start_from(parent: Path, config: RunConfig, device: torch.device = CPU) -> Callable[[], TrainState]:
    """The initial state of a stage: the parent's averaged weights, its 2:4 masks, and its history."""

    def start() -> TrainState:
        stored = checkpoint.read(parent)
        model = checkpoint.averaged_model_of(stored)
        already = RunConfig.from_json(stored["config"]).qat is not None
        if already and config.qat is None:
            raise ValueError(f"{parent} is already quantization-aware: only `qat` can continue from it")
        if config.qat is not None and not already:
            quantize_aware(model, config.qat)
        state = state_of(model, config, device)
        state.masks = {name: mask.to(device) for name, mask in stored.get("masks", {}).items()}
        state.stages = [*stored.get("stages", []), stage_record(stored, parent)]
        return state

    return start


def teacher_of(
    path: Path,
    store: SceneStore,
    settings: DistillConfig,
    *,
    cache: bool,
    bf16: bool,
    device: torch.device = CPU,
    resident: bool = False,
) -> Teacher:
    """The teacher of a run. With `cache` its outputs are computed once and kept next to the store, or in device memory
    if scenes are resident.
    """
    digest = digest_of(path)
    if digest != settings.teacher:
        raise ValueError(f"{path} is {digest}, not the teacher {settings.teacher} of this run")
    model = checkpoint.averaged_model(path)
    live = LiveTeacher(model, bf16, device)
    if not cache:
        return live
    if resident:
        if settings.live:
            raise ValueError("--teacher-live needs scenes that are not resident; --no-teacher-cache asks about all")
        return ResidentTeacher(store, live, model.config, device)
    return CachedTeacher(cached_answers(store, live, digest, model.config), live if settings.live else None)
