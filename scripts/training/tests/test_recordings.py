"""A folder of recordings: a task each, the same result in every order, nothing computed twice."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import evaluate_recordings

# stands for `goshawk evaluate`: the result is a function of the recording, and each run leaves a line
GOSHAWK = """
import json, sys
given = dict(zip(sys.argv[2::2], sys.argv[3::2]))
text = open(given["--recording"]).read()
open(LOG, "a").write(given["--recording"] + "\\n")
if text == "broken":
    print("GOSHAWK_RECORDING_UNUSABLE: it has no labels", file=sys.stderr)
    sys.exit(1)
report = {"ap": len(text) / 100, "images": len(text), "seconds": id(text), "bundle": given["--bundle"]}
json.dump(report, open(given["--report"], "w"))
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    recordings = tmp_path / "recordings" / "robot"
    recordings.mkdir(parents=True)
    for index, text in enumerate(["one", "two two", "broken", "four four"]):
        (recordings / f"{index}.mcap").write_text(text)
    (recordings / "notes.txt").write_text("no recording")
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "bundle.json").write_text("{}")
    (tmp_path / "goshawk.py").write_text(GOSHAWK.replace("LOG", repr(str(tmp_path / "log"))))
    return tmp_path


def run(place: Path, out: str, *more: str) -> tuple[int, list[dict]]:
    goshawk = ["--goshawk", sys.executable, str(place / "goshawk.py")]
    folders = [str(place / "recordings"), "--bundle", str(place / "bundle"), "--out", str(place / out)]
    sys.argv = ["evaluate_recordings.py", *folders, "--threads", "1", *more, *goshawk]
    code = evaluate_recordings.main()
    return code, json.loads((place / out / "summary.json").read_text())


def runs(place: Path) -> int:
    return len((place / "log").read_text().splitlines())


def test_serial_and_parallel_runs_agree_and_compute_nothing_twice(place: Path) -> None:
    code, serial = run(place, "serial", "--serial")
    assert code == 1
    assert [result.get("images") for result in serial] == [3, 7, None, 9]
    assert serial[2]["error"] == ["GOSHAWK_RECORDING_UNUSABLE: it has no labels"]
    assert runs(place) == 4

    code, parallel = run(place, "parallel")
    assert (code, parallel) == (1, serial)
    text = [(place / out / "summary.json").read_text() for out in ("serial", "parallel")]
    assert text[0] == text[1]
    assert runs(place) == 8

    # what failed is tried again, what is there is not; another bundle is another result
    assert run(place, "parallel", "--serial")[1] == serial
    assert runs(place) == 9
    (place / "bundle" / "bundle.json").write_text('{"version": 2}')
    run(place, "parallel", "--serial")
    assert runs(place) == 13


def test_a_folder_without_recordings_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["x", str(tmp_path), "--bundle", str(tmp_path), "--out", str(tmp_path / "out")])
    assert evaluate_recordings.main() == 2
