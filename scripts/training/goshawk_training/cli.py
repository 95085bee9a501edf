"""`python -m goshawk_training COMMAND`: prepare, train, evaluate, export."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from . import checkpoint
from .config import FAMILY, LABELS, ModelConfig, RunConfig, TrainConfig
from .data import SceneStore
from .evaluate import evaluate_model, evaluate_onnx
from .export import export_onnx
from .lineage import lineage
from .prepare import Simulation, prepare
from .train import HISTORY, LAST, RunOptions, train


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; refusals are one line on stderr and exit code 1."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except (OSError, ValueError, FloatingPointError) as error:
        print(f"goshawk_training: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="goshawk_training", description=__doc__)
    commands = parser.add_subparsers(required=True)

    made = commands.add_parser("prepare", help="render scenes with the simulator into a store")
    made.add_argument("--out", type=Path, required=True)
    made.add_argument("--count", type=int, required=True)
    made.add_argument("--seed", type=int, required=True)
    made.add_argument("--simulator", default="node dist/cli.js simulate", help="the command that renders")
    made.add_argument("--workers", type=int, default=2)
    made.set_defaults(command=_prepare)

    trained = commands.add_parser("train", help="train, or go on training with --resume")
    trained.add_argument("--data", type=Path, required=True)
    trained.add_argument("--validation", type=Path)
    trained.add_argument("--family", choices=sorted(FAMILY), default="small", help="which shape of the network")
    trained.add_argument("--run", type=Path, required=True, help="folder of the checkpoint and the history")
    trained.add_argument("--resume", action="store_true")
    trained.add_argument("--evaluate-every", type=int, default=4, metavar="EPOCHS")
    trained.add_argument("--checkpoint-seconds", type=float, default=120.0)
    trained.add_argument("--threads", type=int, default=2, help="0: all cores while the machine is quiet, else one")
    _add_settings(trained)
    trained.set_defaults(command=_train)

    judged = commands.add_parser("evaluate", help="average precision of a checkpoint or an ONNX file")
    judged.add_argument("--model", type=Path, required=True)
    judged.add_argument("--data", type=Path, required=True)
    judged.set_defaults(command=_evaluate)

    exported = commands.add_parser("export", help="write model.onnx, labels.txt and lineage.json")
    exported.add_argument("--run", type=Path, required=True)
    exported.add_argument("--data", type=Path, required=True, help="the store that was trained on")
    exported.add_argument("--out", type=Path, required=True)
    exported.set_defaults(command=_export)
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """One option for each number among TrainConfig's fields; bf16 is switched off by --no-bf16."""
    defaults = TrainConfig()
    for field in fields(TrainConfig):
        value = getattr(defaults, field.name)
        name = f"--{field.name.replace('_', '-')}"
        if isinstance(value, bool):
            parser.add_argument(name, action=argparse.BooleanOptionalAction, default=value)
        elif isinstance(value, (int, float)):
            parser.add_argument(name, type=type(value), default=value, help=f"default {value}")


def _prepare(options: argparse.Namespace) -> None:
    simulation = Simulation(tuple(options.simulator.split()), options.seed, options.count, options.workers)
    meta = prepare(simulation, options.out, ModelConfig())
    print(f"{meta['count']} scenes of {meta['width']}x{meta['height']} in {options.out}, digest {meta['digest']}")


def _train(options: argparse.Namespace) -> None:
    names = {field.name for field in fields(TrainConfig)}
    chosen: dict[str, Any] = {k: v for k, v in vars(options).items() if k in names}
    config = RunConfig(model=FAMILY[options.family]).with_train(**chosen)
    validation = SceneStore(options.validation) if options.validation else None
    run = RunOptions(options.run, options.resume, options.checkpoint_seconds, options.threads, options.evaluate_every)
    train(config, SceneStore(options.data), validation, run)


def _evaluate(options: argparse.Namespace) -> None:
    store = SceneStore(options.data)
    if options.model.suffix == ".onnx":
        result = evaluate_onnx(options.model, store, ModelConfig())
    else:
        result = evaluate_model(checkpoint.averaged_model(options.model), store)
    print(result.summary())
    print(json.dumps(result.to_json()))


def _export(options: argparse.Namespace) -> None:
    last = options.run / LAST
    stored = checkpoint.read(last)
    store = SceneStore(options.data)
    if stored["data"] != store.meta["digest"]:
        raise ValueError(f"{last} was trained on {stored['data']}, {options.data} is {store.meta['digest']}")
    onnx_file = options.out / "model.onnx"
    difference = export_onnx(checkpoint.averaged_model(last), onnx_file)
    history = options.run / HISTORY
    evaluations = [json.loads(line) for line in history.read_text().splitlines()] if history.exists() else []
    config = RunConfig.from_json(stored["config"])
    record = lineage(config, store, last, onnx_file, stored["seconds"], evaluations)
    (options.out / "labels.txt").write_text("\n".join(LABELS) + "\n")
    (options.out / "lineage.json").write_text(json.dumps(record, indent=2) + "\n")
    size = onnx_file.stat().st_size
    print(f"{onnx_file}: {size} bytes, at most {difference:.1e} from torch; step {stored['step']}")
