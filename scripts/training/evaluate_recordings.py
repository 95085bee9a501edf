#!/usr/bin/env python3
"""Evaluates a folder of recordings with `goshawk evaluate --recording`, a Ray task for each.

usage: evaluate_recordings.py FOLDER --bundle B --out DIR [--judge B] [--serial] [--address A] [--options OPTIONS]

DIR gets a report for each recording, named by the digests of recording and bundles and by the options. What is there is
not computed again: a run that was interrupted goes on where it was. `summary.json` has the results of all recordings,
sorted; it has no times and does not depend on the order in which tasks end, so a serial run makes the same file. AP of
a set is not the mean of the AP of its parts: for one number over all of them, give all files to one `goshawk evaluate`.

With --address the tasks run where Ray puts them: recordings, bundles and DIR must have the same paths there. OPTIONS go
to `goshawk evaluate` as they are. A recording that cannot be evaluated has its error in the summary, and exit status 1.
A folder of rosbag2 (metadata.yaml) is one recording, with all its splits. Wrong usage, a bundle that is not there and
the like end with status 2 before anything is computed, an interrupted run with 130.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

RECORDINGS = {".mcap", ".db3", ".zstd"}
METADATA = "metadata.yaml"
INTERRUPTED = 130
RESULTS = ["ap", "ap50", "apByClass", "images", "objects", "detections", "bundle", "judge", "recordings"]


class UsageError(Exception):
    """Nothing can be computed; the message says why."""


def find_recordings(folder: Path) -> list[str]:
    """Files, and folders of rosbag2, which are one recording each."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    bags = {path.parent for path in folder.rglob(METADATA)}
    files = {
        path
        for path in folder.rglob("*")
        if path.suffix in RECORDINGS and path.is_file() and bags.isdisjoint(path.parents)
    }
    found = sorted(str(path) for path in bags | files)
    if not found:
        raise UsageError(f"{folder} has no recording ({', '.join(sorted(RECORDINGS))}, or a folder of rosbag2)")
    return found


def recording_digest(recording: Path) -> str:
    """Of a file, or of all files of a folder of rosbag2 by their names."""
    if recording.is_file():
        return sha256(recording)
    names = sorted(path.name for path in recording.iterdir() if path.name == METADATA or path.suffix in RECORDINGS)
    lines = [f"{sha256(recording / name)}  {name}\n" for name in names]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def bundle_digest(goshawk: list[str], bundle: str) -> str:
    """The digest of a bundle is that of its manifest, which names its files by digest."""
    folder = Path(bundle)
    if folder.is_dir():
        if not (folder / "bundle.json").is_file():
            raise UsageError(f"{folder} is no bundle: it has no bundle.json")
        return sha256(folder / "bundle.json")
    command = [*goshawk, "models", "show", bundle, "--json"]
    try:
        shown = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise UsageError(f"{' '.join(goshawk)} cannot be run: {error}; name the command with --goshawk") from error
    try:
        return json.loads(shown.stdout)["digest"]
    except (ValueError, KeyError, TypeError) as error:
        why = shown.stderr.strip() or "it says nothing of its digest"
        raise UsageError(f"bundle {bundle} cannot be used: {why}") from error


def name_of(recording: Path, job: dict) -> str:
    """Of everything on which the result depends."""
    facts = [recording_digest(recording), *job["digests"], *job["options"]]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:32]


def evaluate(recording: str, job: dict) -> dict:
    """The result for one recording: from its report, which is made if it is not there yet."""
    try:
        report = Path(job["out"]) / f"{name_of(Path(recording), job)}.json"
        facts = read_report(report)
        if facts is None:
            error = make_report(recording, report, job)
            facts = read_report(report)
            if error is not None or facts is None:
                return {"file": recording, "error": error or ["the report is not JSON"]}
    except OSError as error:
        return {"file": recording, "error": [str(error)]}
    return {"file": recording, **{key: facts.get(key) for key in RESULTS}}


def read_report(path: Path) -> dict | None:
    """None if it is not there, or if a disk that was full or lost its power left a part of it."""
    try:
        facts = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None


def make_report(recording: str, report: Path, job: dict) -> list[str] | None:
    """Runs goshawk; the report has its name once it is whole. Returns the last line of an error."""
    part = report.with_suffix(f".{os.getpid()}.part")
    command = [*job["goshawk"], "evaluate", "--recording", recording, "--report", str(part), *job["options"]]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return done.stderr.strip().splitlines()[-1:] or [f"goshawk ended with {done.returncode} and said nothing"]
        part.replace(report)
        return None
    finally:
        part.unlink(missing_ok=True)


def run_serial(recordings: list[str], job: dict) -> list[dict]:
    return [evaluate(recording, job) for recording in recordings]


def run_ray(recordings: list[str], job: dict, address: str | None) -> list[dict]:
    try:
        import ray
    except ImportError as error:
        raise UsageError(f"{error}: pip install -r requirements-recordings.txt, or use --serial") from error

    # Workers, which may be on another machine, need not find this file.
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    ray.init(address=address, include_dashboard=False, log_to_driver=False)
    try:
        task = ray.remote(num_cpus=job["threads"], max_retries=3)(evaluate)
        return ray.get([task.remote(recording, job) for recording in recordings])
    finally:
        ray.shutdown()


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--judge")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--serial", action="store_true", help="one after the other, without Ray")
    parser.add_argument("--address", help="of a Ray cluster (default: one on this machine)")
    parser.add_argument("--threads", type=int, default=2, help="of one task (default: 2)")
    parser.add_argument("--goshawk", nargs="+", default=["goshawk"], help="the command (default: goshawk)")
    parser.add_argument("--options", nargs=argparse.REMAINDER, default=[], help="all that follows, for evaluate")
    given = parser.parse_args(arguments)
    if given.threads < 1:
        parser.error("--threads must be 1 or more")
    return given


def main() -> int:
    given = parse(sys.argv[1:])
    try:
        return run(given)
    except UsageError as error:
        print(f"evaluate_recordings: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"evaluate_recordings: {error}; what is in {given.out} is kept", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"evaluate_recordings: interrupted; the same command goes on from {given.out}", file=sys.stderr)
        return INTERRUPTED


def run(given: argparse.Namespace) -> int:
    recordings = find_recordings(given.folder)
    if given.out.exists() and not given.out.is_dir():
        raise UsageError(f"{given.out} is not a folder")
    bundles = [given.bundle] if given.judge is None else [given.bundle, given.judge]
    judge = [] if given.judge is None else ["--judge", given.judge]
    job = {
        "goshawk": given.goshawk,
        "out": str(given.out),
        "threads": given.threads,
        "digests": [bundle_digest(given.goshawk, bundle) for bundle in bundles],
        "options": ["--bundle", given.bundle, *judge, "--threads", str(given.threads), *given.options],
    }
    given.out.mkdir(parents=True, exist_ok=True)
    results = run_serial(recordings, job) if given.serial else run_ray(recordings, job, given.address)
    summary = given.out / "summary.json"
    part = given.out / f"summary.{os.getpid()}.part"
    part.write_text(json.dumps(results, indent=2) + "\n")
    part.replace(summary)
    failed = [result for result in results if "error" in result]
    for result in failed:
        print(f"{result['file']}: {' '.join(result['error'])}", file=sys.stderr)
    print(f"{len(results) - len(failed)} of {len(results)} recordings evaluated; {summary}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
