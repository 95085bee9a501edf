"""What made a model, in the words of the bundle manifest's `lineage` (`src/contract/bundle.ts`)."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .config import RunConfig
from .data import SceneStore

TOOLS = ("torch", "numpy", "onnx", "onnxruntime", "pycocotools")
SOURCE = Path(__file__).resolve().parent


def digest_of(path: Path) -> str:
    """SHA-256 of a file, lower-case hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def source_digest() -> str:
    """SHA-256 over the names and contents of this package's sources: what trained, even where a commit is not known."""
    digest = hashlib.sha256()
    for path in sorted(SOURCE.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def code_commit() -> str | None:
    """The commit of the work tree, with `-dirty` where these sources differ from it; None outside of git."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return None
    return f"{commit}-dirty" if _git("status", "--porcelain", "--", ".") else commit


def tool_versions() -> dict[str, str]:
    """Versions of what decides the weights and the file."""
    versions = {"python": platform.python_version()}
    versions.update({name: importlib.metadata.version(name) for name in TOOLS})
    return versions


def host() -> dict[str, Any]:
    """The machine, as far as it decides speed and rounding."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "memoryGiB": round(memory / 2**30, 1),
        "os": platform.platform(),
    }


def lineage(
    config: RunConfig,
    training: SceneStore,
    checkpoint: Path,
    onnx_file: Path,
    seconds: float,
    evaluations: list[dict[str, Any]],
) -> dict[str, Any]:
    """The record that goes into the bundle: what its schema names at the top, the rest under `training`."""
    record: dict[str, Any] = {
        "datasetDigest": training.meta["digest"],
        "hyperparameters": config.to_json(),
        "toolVersions": tool_versions(),
        "training": {
            "finishedAt": datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "codeDigest": source_digest(),
            "dataset": training.meta,
            "seconds": round(seconds),
            "evaluations": evaluations,
            "checkpointDigest": digest_of(checkpoint),
            "onnxDigest": digest_of(onnx_file),
            "host": host(),
        },
    }
    commit = code_commit()
    if commit is not None:
        record["codeCommit"] = commit
    return record


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
