"""`python -m goshawk_training COMMAND`: prepare, train, prune, distill, qat, search, loader-rate, evaluate, export."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from . import commands
from .config import FAMILY, DistillConfig, PruneConfig, QatConfig, TrainConfig
from .device import DEVICES
from .loader import WORKERS
from .options import add_settings
from .prepare import CHUNK
from .search_space import SPACE, STOPPERS

FINE_TUNING = TrainConfig(
    epochs=8, batch=16, lr=8e-4, warmup_steps=200, ema_decay=0.998, ema_ramp=200.0, mosaic=0.0, unscaled=1.0
)
"""Images are plain views, so that a teacher's outputs can be read from its cache; variety comes from more scenes."""
ROUNDING = TrainConfig(
    epochs=2, batch=16, lr=1e-4, warmup_steps=100, weight_decay=0.0, ema_decay=0.998, ema_ramp=200.0, mosaic=0.0,
    unscaled=1.0, bf16=False,
)  # fmt: skip
"""In float32: bf16 is no more precise than what is simulated."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; errors are one line on stderr and exit code 1."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except (OSError, ValueError, FloatingPointError) as error:
        print(f"goshawk_training: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="goshawk_training", description=__doc__)
    adding = parser.add_subparsers(required=True)

    made = adding.add_parser("prepare", help="render scenes with the simulator into a store")
    made.add_argument("--out", type=Path, required=True)
    made.add_argument("--count", type=int, required=True)
    made.add_argument("--seed", type=int, required=True)
    made.add_argument("--simulator", default="node dist/cli.js simulate", help="the render command")
    made.add_argument("--workers", type=int, default=2, help="threads per simulator call")
    made.add_argument("--jobs", type=int, default=1, help="chunks of scenes rendered in parallel")
    made.add_argument("--chunk", type=int, default=CHUNK, help="scenes per simulator call, from one seed")
    made.add_argument("--max-seconds", type=float, default=0.0, help="render fewer scenes in this time; 0: no limit")
    made.add_argument("--resize", choices=("average", "bilinear"), default="average", help="as the bundle will state")
    made.add_argument(
        "--bilinear-out", type=Path, metavar="STORE", help="the same scenes scaled by interpolation, rendered once"
    )
    made.set_defaults(command=commands.run_prepare)

    trained = adding.add_parser("train", help="train from the seed, or continue from a checkpoint")
    _add_run(trained)
    trained.add_argument(
        "--from", dest="parent", type=Path, metavar="RUN|CHECKPOINT", help="start from its averaged weights"
    )
    trained.add_argument("--family", choices=sorted(FAMILY), default="small", help="network size")
    add_settings(trained, TrainConfig())
    _add_teacher(trained)
    trained.set_defaults(command=commands.run_train)

    adopted = adding.add_parser("adopt", help="turn an exported model into a run, to continue its training")
    adopted.add_argument("--model", type=Path, required=True, help="model.onnx of an export or of a bundle, in float")
    adopted.add_argument("--family", choices=sorted(FAMILY), default="baseline", help="depths; widths are the file's")
    adopted.add_argument("--data", type=Path, required=True, help="images to measure the norms on")
    adopted.add_argument("--run", type=Path, required=True, help="folder for the checkpoint")
    adopted.set_defaults(command=commands.run_adopt)

    pruned = adding.add_parser("prune", help="remove channels of a trained network while training continues")
    _add_run(pruned)
    pruned.add_argument("--from", dest="parent", type=Path, required=True, metavar="RUN|CHECKPOINT")
    add_settings(pruned, FINE_TUNING)
    add_settings(pruned, PruneConfig())
    _add_teacher(pruned)
    pruned.set_defaults(command=commands.run_prune)

    taught = adding.add_parser("distill", help="fine-tune a trained network with a teacher, in its present shape")
    _add_run(taught)
    taught.add_argument("--from", dest="parent", type=Path, required=True, metavar="RUN|CHECKPOINT")
    add_settings(taught, FINE_TUNING)
    _add_teacher(taught, required=True)
    taught.set_defaults(command=commands.run_distill)

    rounded = adding.add_parser("qat", help="fine-tune a trained network with simulated int8 arithmetic")
    _add_run(rounded)
    rounded.add_argument("--from", dest="parent", type=Path, required=True, metavar="RUN|CHECKPOINT")
    add_settings(rounded, ROUNDING)
    add_settings(rounded, QatConfig(), "qat-")
    _add_teacher(rounded)
    rounded.set_defaults(command=commands.run_qat)

    tried = adding.add_parser("search", help="try training settings in short runs; resumable")
    tried.add_argument("--data", type=Path, required=True)
    tried.add_argument("--validation", type=Path, required=True)
    tried.add_argument("--run", type=Path, required=True, help="folder of the journal and the trials")
    tried.add_argument("--family", choices=sorted(FAMILY), default="small")
    tried.add_argument("--trials", type=int, default=20, help="over all resumptions")
    tried.add_argument("--stopper", choices=STOPPERS, default="median", help="which trials are stopped early")
    tried.add_argument("--names", nargs="+", choices=sorted(SPACE), default=list(SPACE), help="settings to search")
    tried.add_argument("--threads", type=int, default=2)
    add_settings(tried, TrainConfig(epochs=3))
    tried.set_defaults(command=commands.run_search)

    timed = adding.add_parser("loader-rate", help="images per second of loading alone, of training alone, of both")
    timed.add_argument("--data", type=Path, required=True)
    timed.add_argument("--family", choices=sorted(FAMILY), default="small")
    timed.add_argument("--steps", type=int, default=20)
    timed.add_argument("--workers", type=int, default=WORKERS, help="loader threads")
    timed.add_argument("--threads", type=int, default=2)
    add_settings(timed, TrainConfig())
    timed.set_defaults(command=commands.run_loader_rate)

    judged = adding.add_parser("evaluate", help="average precision of a checkpoint or an ONNX file")
    judged.add_argument("--model", type=Path, required=True)
    judged.add_argument("--data", type=Path, required=True)
    judged.set_defaults(command=commands.run_evaluate)

    exported = adding.add_parser("export", help="write model.onnx, labels.txt and lineage.json")
    exported.add_argument("--run", type=Path, required=True)
    exported.add_argument("--data", type=Path, required=True, help="the store used for training")
    exported.add_argument("--out", type=Path, required=True)
    exported.set_defaults(command=commands.run_export)
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--validation", type=Path)
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoint and history")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--evaluate-every", type=int, default=4, metavar="EPOCHS")
    parser.add_argument("--stop-after-steps", type=int, metavar="N", help="stop early, with a checkpoint")
    parser.add_argument("--checkpoint-seconds", type=float, default=120.0)
    parser.add_argument("--device", choices=DEVICES, default="auto", help="auto: CUDA if there is a device")
    parser.add_argument("--threads", type=int, default=2, help="0: all cores while the machine is idle, else one")


def _add_teacher(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    parser.add_argument(
        "--teacher", type=Path, required=required, metavar="RUN|CHECKPOINT", help="also learn from this network"
    )
    parser.add_argument(
        "--teacher-cache", action=argparse.BooleanOptionalAction, default=True, help="compute its outputs once"
    )
    parser.add_argument(
        "--teacher-data", type=Path, metavar="STORE", help="the scenes of --data, scaled for the teacher"
    )
    add_settings(parser, DistillConfig(teacher=""), "teacher-")
