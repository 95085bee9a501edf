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


def main(*arguments: str) -> int:
    sys.argv = ["evaluate_recordings.py", *arguments]
    return evaluate_recordings.main()


def test_a_folder_of_rosbag2_is_one_recording_with_all_its_files(place: Path) -> None:
    bag = place / "recordings" / "bag"
    bag.mkdir()
    for name in ("metadata.yaml", "bag_0.mcap", "bag_1.db3"):
        (bag / name).write_text(name)
    found = evaluate_recordings.find_recordings(place / "recordings")
    assert [Path(path).name for path in found] == ["bag", "0.mcap", "1.mcap", "2.mcap", "3.mcap"]
    before = evaluate_recordings.recording_digest(bag)
    (bag / "bag_1.db3").write_text("longer")
    assert evaluate_recordings.recording_digest(bag) != before


def test_a_report_that_was_cut_is_made_again(place: Path) -> None:
    _, first = run(place, "out", "--serial")
    for report in (place / "out").glob("*.json"):
        if report.name != "summary.json":
            report.write_text(report.read_text()[:10])
    assert run(place, "out", "--serial")[1] == first


def test_an_interrupted_run_leaves_no_part_and_goes_on(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, calls = evaluate_recordings.subprocess.run, []

    def stopped(command: list[str], **more: object) -> object:
        calls.append(command)
        if len(calls) == 2:
            Path(command[command.index("--report") + 1]).write_text("{")
            raise KeyboardInterrupt
        return whole(command, **more)

    monkeypatch.setattr(evaluate_recordings.subprocess, "run", stopped)
    goshawk = ["--goshawk", sys.executable, str(place / "goshawk.py")]
    folders = [str(place / "recordings"), "--bundle", str(place / "bundle"), "--out", str(place / "out")]
    assert main(*folders, "--threads", "1", "--serial", *goshawk) == 130
    assert "interrupted; the same command goes on" in capsys.readouterr().err
    assert len(list((place / "out").iterdir())) == 1
    assert [result.get("images") for result in run(place, "out", "--serial")[1]] == [3, 7, None, 9]
    assert runs(place) == 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"folder": "absent"}, "there is no folder"),
        ({"bundle": "recordings"}, "is no bundle: it has no bundle.json"),
        ({"bundle": "unknown"}, "cannot be used"),
        ({"out": "goshawk.py"}, "is not a folder"),
        ({"bundle": "unknown", "goshawk": "/absent/goshawk"}, "cannot be run"),
    ],
)
def test_wrong_usage_is_said_before_anything_is_computed(
    place: Path, change: dict[str, str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"folder": "recordings", "bundle": "bundle", "out": "out", **change}
    bundle = given["bundle"] if given["bundle"] == "unknown" else str(place / given["bundle"])
    goshawk = [given["goshawk"]] if "goshawk" in given else [sys.executable, str(place / "goshawk.py")]
    folders = [str(place / given["folder"]), "--bundle", bundle, "--out", str(place / given["out"])]
    assert main(*folders, "--serial", "--goshawk", *goshawk) == 2
    assert words in capsys.readouterr().err
    assert not (place / "log").exists()
    assert not (place / "out").exists()


def test_a_recording_that_is_gone_is_an_error_of_its_own(place: Path) -> None:
    (place / "recordings" / "robot" / "4.mcap").symlink_to(place / "absent")
    job = {"digests": [], "options": [], "out": str(place), "goshawk": []}
    [result] = evaluate_recordings.run_serial([str(place / "recordings" / "robot" / "4.mcap")], job)
    assert "No such file" in result["error"][0]


def test_without_ray_the_way_out_is_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(evaluate_recordings.UsageError, match="--serial"):
        evaluate_recordings.run_ray([], {"threads": 1}, None)
