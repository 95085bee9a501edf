"""The commands."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from . import checkpoint
from .adopt import adopt
from .config import FAMILY, LABELS, DistillConfig, ModelConfig, PruneConfig, QatConfig, RunConfig, TrainConfig
from .data import SceneStore, refuse_shared, same_scenes
from .device import device_of
from .evaluate import evaluate_model, evaluate_onnx
from .export import export_onnx
from .lineage import digest_of, lineage
from .loading import measure_rates
from .options import chosen
from .prepare import Simulation, prepare
from .stages import checkpoint_in, start_from, teacher_of
from .train import HISTORY, LAST, RunOptions, train


def run_prepare(options: argparse.Namespace) -> None:
    """Renders scenes into a store."""
    average = options.resize == "average"
    simulation = Simulation(
        tuple(options.simulator.split()), options.seed, options.count, options.workers, average, options.jobs,
        options.chunk, options.max_seconds,
    )  # fmt: skip
    meta = prepare(simulation, options.out, ModelConfig(), bilinear_out=options.bilinear_out)
    print(f"{meta['count']} scenes of {meta['width']}x{meta['height']} in {options.out}, digest {meta['digest']}")


def run_train(options: argparse.Namespace) -> None:
    """Trains from the seed, or continues from a checkpoint."""
    if options.parent:
        _continue(options)
    else:
        _run(options, RunConfig(model=FAMILY[options.family], train=_settings(options)))


def run_adopt(options: argparse.Namespace) -> None:
    """Turns an exported model into a run."""
    last = options.run / LAST
    if last.exists():
        raise FileExistsError(f"{last} exists: use another --run folder")
    adopt(options.model, FAMILY[options.family], SceneStore(options.data), last)
    print(f"{last}: the weights of {options.model}, its norms measured on {options.data}")


def run_prune(options: argparse.Namespace) -> None:
    """Prunes and fine-tunes."""
    _continue(options, prune=PruneConfig(**chosen(options, PruneConfig)))


def run_distill(options: argparse.Namespace) -> None:
    """Fine-tunes with a teacher."""
    _continue(options)


def run_qat(options: argparse.Namespace) -> None:
    """Fine-tunes with rounding."""
    _continue(options, qat=QatConfig(**chosen(options, QatConfig, "qat-")))


def run_search(options: argparse.Namespace) -> None:
    """Searches training settings."""
    # imported here: training does not need Optuna
    from .search import SearchOptions, search

    config = RunConfig(model=FAMILY[options.family], train=_settings(options))
    how = SearchOptions(
        options.run, options.trials, options.seed, options.stopper, tuple(options.names), options.threads
    )
    store, validation = SceneStore(options.data), SceneStore(options.validation)
    refuse_shared(store, validation)
    best = search(config, store, validation, how)
    print(json.dumps(best, indent=2))


def run_loader_rate(options: argparse.Namespace) -> None:
    """Prints rates of loading and training."""
    config = RunConfig(model=FAMILY[options.family], train=_settings(options))
    rates = measure_rates(SceneStore(options.data), config, options.steps, options.threads, options.workers)
    print(
        f"images/s: {rates.loaded:.0f} loading alone with {options.workers} threads, {rates.consumed:.0f} training "
        f"alone, {rates.together:.0f} both; loading is {rates.loaded / rates.consumed:.1f} times as fast as needed"
    )


def run_evaluate(options: argparse.Namespace) -> None:
    """Prints average precision."""
    store = SceneStore(options.data)
    if options.model.suffix == ".onnx":
        result = evaluate_onnx(options.model, store, ModelConfig())
    else:
        result = evaluate_model(checkpoint.averaged_model(checkpoint_in(options.model)), store)
    print(result.summary())
    print(json.dumps(result.to_json()))


def run_export(options: argparse.Namespace) -> None:
    """Writes the ONNX file and its lineage."""
    last = options.run / LAST
    stored = checkpoint.read(last)
    store = SceneStore(options.data)
    if stored["data"] != store.meta["digest"]:
        raise ValueError(f"{last} was trained on {stored['data']}, {options.data} is {store.meta['digest']}")
    onnx_file = options.out / "model.onnx"
    difference = export_onnx(checkpoint.averaged_model_of(stored), onnx_file)
    history = options.run / HISTORY
    evaluations = [json.loads(line) for line in history.read_text().splitlines()] if history.exists() else []
    record = lineage(stored, store, last, onnx_file, evaluations)
    (options.out / "labels.txt").write_text("\n".join(LABELS) + "\n")
    (options.out / "lineage.json").write_text(json.dumps(record, indent=2) + "\n")
    size = onnx_file.stat().st_size
    print(f"{onnx_file}: {size} bytes, at most {difference:.1e} from torch; step {stored['step']}")


def _settings(options: argparse.Namespace) -> TrainConfig:
    return TrainConfig(**chosen(options, TrainConfig))


def _continue(options: argparse.Namespace, *, prune: PruneConfig | None = None, qat: QatConfig | None = None) -> None:
    parent = checkpoint_in(options.parent)
    inherited = RunConfig.from_json(checkpoint.read(parent)["config"])
    config = RunConfig(inherited.model, _settings(options), digest_of(parent), prune, None, qat)
    _run(options, config, parent)


def _run(options: argparse.Namespace, config: RunConfig, parent: Path | None = None) -> None:
    validation = SceneStore(options.validation) if options.validation else None
    run = RunOptions(
        options.run,
        options.resume,
        options.checkpoint_seconds,
        options.threads,
        options.evaluate_every,
        options.stop_after_steps,
        device=device_of(options.device),
    )
    store = SceneStore(options.data)
    if validation is not None:
        refuse_shared(store, validation)
    teacher = None
    if options.teacher:
        path = checkpoint_in(options.teacher)
        seen = same_scenes(SceneStore(options.teacher_data), store) if options.teacher_data else store
        other = None if seen is store else seen.meta["digest"]
        given = chosen(options, DistillConfig, "teacher-")
        distill = DistillConfig(**{**given, "teacher": digest_of(path), "data": other})
        if other is not None and (distill.live or not options.teacher_cache):
            raise ValueError("--teacher-data needs the teacher's cache: a live teacher sees the student's images")
        config = replace(config, distill=distill)
        where = {"device": run.device, "resident": config.train.resident}
        teacher = teacher_of(path, seen, distill, cache=options.teacher_cache, bf16=config.train.bf16, **where)
    start = start_from(parent, config, run.device) if parent else None
    train(config, store, validation, run, start, teacher)
