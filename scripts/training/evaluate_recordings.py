#!/usr/bin/env python3
"""Evaluates a folder of recordings with `goshawk evaluate --recording`, a Ray task for each.

usage: evaluate_recordings.py FOLDER --bundle B --out DIR [--judge B] [--serial] [--address A] [--options OPTIONS]

DIR gets a report for each recording, named by the digests of recording and bundles and by the options. What is there is
not computed again: a run that was interrupted goes on where it was. `summary.json` has the results of all recordings,
sorted; it has no times and does not depend on the order in which tasks end, so a serial run makes the same file. AP of
a set is not the mean of the AP of its parts: for one number over all of them, give all files to one `goshawk evaluate`.

With --address the tasks run where Ray puts them: recordings, bundles and DIR must have the same paths there. OPTIONS go
to `goshawk evaluate` as they are. A recording that cannot be evaluated has its error in the summary, and exit status 1.
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
RESULTS = ["ap", "ap50", "apByClass", "images", "objects", "detections", "bundle", "judge", "recordings"]


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
        return sha256(folder / "bundle.json")
    shown = subprocess.run([*goshawk, "models", "show", bundle, "--json"], capture_output=True, text=True, check=True)
    return json.loads(shown.stdout)["digest"]


def name_of(recording: Path, job: dict) -> str:
    """Of everything on which the result depends."""
    facts = [sha256(recording), *job["digests"], *job["options"]]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:32]


def evaluate(recording: str, job: dict) -> dict:
    """The result for one recording: from its report, which is made if it is not there yet."""
    path = Path(recording)
    report = Path(job["out"]) / f"{name_of(path, job)}.json"
    if not report.exists():
        part = report.with_suffix(f".{os.getpid()}.part")
        command = [*job["goshawk"], "evaluate", "--recording", recording, "--report", str(part), *job["options"]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            part.unlink(missing_ok=True)
            return {"file": recording, "error": done.stderr.strip().splitlines()[-1:]}
        part.replace(report)
    facts = json.loads(report.read_text())
    return {"file": recording, **{key: facts.get(key) for key in RESULTS}}


def run_serial(recordings: list[str], job: dict) -> list[dict]:
    return [evaluate(recording, job) for recording in recordings]


def run_ray(recordings: list[str], job: dict, address: str | None) -> list[dict]:
    import ray

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
    return parser.parse_args(arguments)


def main() -> int:
    given = parse(sys.argv[1:])
    recordings = sorted(str(path) for path in given.folder.rglob("*") if path.suffix in RECORDINGS and path.is_file())
    if not recordings:
        print(f"{given.folder} has no recording ({', '.join(sorted(RECORDINGS))})", file=sys.stderr)
        return 2
    given.out.mkdir(parents=True, exist_ok=True)
    bundles = [given.bundle] if given.judge is None else [given.bundle, given.judge]
    judge = [] if given.judge is None else ["--judge", given.judge]
    job = {
        "goshawk": given.goshawk,
        "out": str(given.out),
        "threads": given.threads,
        "digests": [bundle_digest(given.goshawk, bundle) for bundle in bundles],
        "options": ["--bundle", given.bundle, *judge, "--threads", str(given.threads), *given.options],
    }
    results = run_serial(recordings, job) if given.serial else run_ray(recordings, job, given.address)
    (given.out / "summary.json").write_text(json.dumps(results, indent=2) + "\n")
    failed = [result for result in results if "error" in result]
    for result in failed:
        print(f"{result['file']}: {' '.join(result['error'])}", file=sys.stderr)
    print(f"{len(results) - len(failed)} of {len(results)} recordings evaluated; {given.out / 'summary.json'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
