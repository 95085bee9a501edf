"""How a model was made, in the format of the bundle manifest's `lineage` (`src/contract/bundle.ts`)."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from .channels import build_with
from .config import RunConfig
from .cost import multiply_adds, parameters
from .data import SceneStore
from .device import CPU, describe

TOOLS = ("torch", "torch-pruning", "numpy", "onnx", "onnxruntime", "pycocotools")
SOURCE = Path(__file__).resolve().parent


def digest_of(path: Path) -> str:
    """SHA-256 of a file, lower-case hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def source_digest() -> str:
    """SHA-256 over the names and contents of this package's sources, which identifies the code without a commit."""
    digest = hashlib.sha256()
    for path in sorted(SOURCE.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def code_commit() -> str | None:
    """The commit of the work tree, with `-dirty` if these sources differ from it; None outside of git."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return None
    return f"{commit}-dirty" if _git("status", "--porcelain", "--", ".") else commit


def tool_versions() -> dict[str, str]:
    """Versions of everything that affects the weights and the file."""
    versions = {"python": platform.python_version()}
    versions.update({name: importlib.metadata.version(name) for name in TOOLS})
    return versions


def host() -> dict[str, Any]:
    """The machine, as far as it affects speed and rounding."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "memoryGiB": round(memory / 2**30, 1),
        "os": platform.platform(),
    }


def made_by(device: torch.device = CPU) -> dict[str, Any]:
    """Code, tools and machine of a run, as its checkpoint keeps them."""
    accelerator = describe(device)
    machine = {**host(), "accelerator": accelerator} if accelerator else host()
    record: dict[str, Any] = {"codeDigest": source_digest(), "host": machine, "toolVersions": tool_versions()}
    commit = code_commit()
    return record if commit is None else {**record, "codeCommit": commit}


def stage_record(stored: dict[str, Any], checkpoint: Path) -> dict[str, Any]:
    """One stage for the manifest's `lineage.stages`, from the values of its last checkpoint."""
    config = RunConfig.from_json(stored["config"])
    finished = datetime.fromtimestamp(checkpoint.stat().st_mtime, timezone.utc)
    record: dict[str, Any] = {
        "stage": config.stage,
        "finishedAt": finished.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "seconds": round(stored["seconds"]),
        **stored.get("madeBy", {}),
        "outputDigest": digest_of(checkpoint),
        "dataset": {"digest": stored["data"], **_described(stored.get("dataset", {}))},
        "hyperparameters": config.to_json(),
        "schedules": schedules(config, stored["step"]),
        "steps": stored["step"],
    }
    if config.parent is not None:
        record["inputDigest"] = config.parent
    if config.distill is not None:
        record["teacher"] = {"name": "teacher-checkpoint", "digest": config.distill.teacher}
    if config.prune is not None:
        record["pruning"] = _pruning(config, stored)
    return record


def schedules(config: RunConfig, steps: int) -> dict[str, dict[str, Any]]:
    """What changed over the run, and how."""
    train = config.train
    found: dict[str, dict[str, Any]] = {
        "learningRate": {
            "kind": "linear warm-up, then half a cosine",
            "first": train.lr,
            "last": float(f"{train.lr * train.lr_floor:.6g}"),
            "warmupSteps": train.warmup_steps,
            "steps": steps,
            **({"seconds": train.max_seconds} if train.max_seconds else {}),
        }
    }
    if config.prune is not None and config.prune.sparsity_steps > 0:
        found["sparsity"] = {
            "kind": "cubic",
            "first": config.prune.sparsity_initial,
            "last": config.prune.sparsity_final,
            "steps": config.prune.sparsity_steps,
            "shareOfStage": config.prune.prune_share,
            "counts": config.prune.measure,
        }
    return found


def lineage(
    stored: dict[str, Any],
    training: SceneStore,
    checkpoint: Path,
    onnx_file: Path,
    evaluations: list[dict[str, Any]],
) -> dict[str, Any]:
    """The record for the bundle: the fields of its schema at the top, the last stage under `training`.

    `stored` are the values of `checkpoint`.
    """
    last = stage_record(stored, checkpoint)
    record: dict[str, Any] = {
        "datasetDigest": training.meta["digest"],
        "hyperparameters": last["hyperparameters"],
        "toolVersions": tool_versions(),
        "stages": [_with_images(stage, training.meta) for stage in (*stored.get("stages", []), last)],
        "training": {
            "finishedAt": last["finishedAt"],
            "codeDigest": source_digest(),
            "dataset": training.meta,
            "seconds": last["seconds"],
            "evaluations": evaluations,
            "checkpointDigest": last["outputDigest"],
            "onnxDigest": digest_of(onnx_file),
            "host": host(),
        },
    }
    commit = code_commit()
    return record if commit is None else {**record, "codeCommit": commit}


def _described(meta: dict[str, Any]) -> dict[str, Any]:
    return {name: meta[name] for name in ("count", "simulator", "seeds", "chunk", "resize") if name in meta}


def _with_images(stage: dict[str, Any], meta: dict[str, Any]) -> dict[str, Any]:
    """Describes a stage's data by the given store if it is the same: old checkpoints only have its digest."""
    if stage["dataset"]["digest"] != meta["digest"]:
        return stage
    return {**stage, "dataset": {**stage["dataset"], **_described(meta)}}


def _pruning(config: RunConfig, stored: dict[str, Any]) -> dict[str, Any]:
    dense, now = (build_with(config.model, stored[name]) for name in ("dense", "channels"))
    before, after = parameters(dense), parameters(now)
    zeros = sum(int((~mask).sum()) for mask in stored["masks"].values())
    channels = config.prune is not None and config.prune.sparsity_steps > 0
    patterns = [name for name, used in (("channels", channels), ("2:4", bool(stored["masks"]))) if used]
    return {
        "pattern": "+".join(patterns),
        "sparsity": round(1 - (after - zeros) / before, 4),
        "macsBefore": multiply_adds(dense),
        "macsAfter": multiply_adds(now),
        "parametersBefore": before,
        "parametersAfter": after,
    }


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(SOURCE), *arguments], capture_output=True, text=True, check=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
