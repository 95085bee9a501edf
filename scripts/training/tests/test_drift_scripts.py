"""Scripts beside the training: what they do with bad input, missing libraries and interrupted runs."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

DRIFT = Path(__file__).parents[2] / "drift"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DRIFT / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


degrade_pictures = load("degrade_pictures")


def toy(degraded: list[str], interrupt_at: int | None = None) -> object:
    """A library for pictures that are text: `P` and what was done to it."""

    def read(file: Path) -> str:
        text = file.read_text()
        if not text.startswith("P"):
            raise ValueError("it does not start with P")
        return text

    def degrade(picture: str, file: str, name: str, strength: int) -> str:
        if len(degraded) == interrupt_at:
            raise KeyboardInterrupt
        degraded.append(f"{file} {name} {strength}")
        return f"{picture} {name} {strength}"

    def save(picture: str, part: Path) -> None:
        part.write_text(picture)

    return degrade_pictures.Library(["fog", "glass_blur", "snow"], read, degrade, save)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("a.jpg", "b.png"):
        (folder / name).write_text(f"P {name}")
    return folder


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_degrades_all_pictures_once(pictures: Path, tmp_path: Path) -> None:
    degraded: list[str] = []
    out = tmp_path / "out"
    arguments = [str(pictures), str(out), "--strengths", "1", "3"]
    assert degrade_pictures.main(arguments, lambda: toy(degraded)) == 0
    assert len(degraded) == 8
    assert "fog/3/b.png" in files(out)
    assert (out / "snow/1/a.jpg").read_text() == "P a.jpg snow 1"
    assert degrade_pictures.main(arguments, lambda: toy(degraded)) == 0
    assert len(degraded) == 8


def test_an_interrupted_run_goes_on_and_leaves_no_part(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    degraded: list[str] = []
    out = tmp_path / "out"
    arguments = [str(pictures), str(out)]
    assert degrade_pictures.main(arguments, lambda: toy(degraded, interrupt_at=5)) == 130
    assert "interrupted" in capsys.readouterr().err
    assert len(files(out)) == 5
    assert degrade_pictures.main(arguments, lambda: toy(degraded)) == 0
    assert len(files(out)) == 12
    assert len(degraded) == 12


def test_a_file_that_is_no_picture_is_named(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pictures / "notes.txt").write_text("nothing")
    assert degrade_pictures.main([str(pictures), str(tmp_path / "out")], lambda: toy([])) == 1
    assert "notes.txt is no picture: it does not start with P" in capsys.readouterr().err
    assert len(files(tmp_path / "out")) == 12


def test_a_failed_write_is_an_error_and_leaves_no_part(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(picture: str, part: Path) -> None:
        part.write_text(picture[:2])
        raise OSError(28, "No space left on device")

    library = toy([])
    broken = degrade_pictures.Library(library.names, library.read, library.degrade, full)
    assert degrade_pictures.main([str(pictures), str(tmp_path / "out")], lambda: broken) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert files(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["absent", "out"], "there is no folder absent"),
        (["empty", "out"], "empty has no file"),
        (["pictures", "file"], "file is not a folder"),
        (["pictures", "out", "--strengths", "6"], "invalid choice"),
    ],
)
def test_wrong_usage_is_said(
    arguments: list[str],
    words: str,
    pictures: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(pictures.parent)
    Path("empty").mkdir()
    Path("file").touch()
    with pytest.raises(SystemExit) as ended:
        degrade_pictures.main(arguments, lambda: toy([]))
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("name", ["degrade_pictures", "fit_changes", "peers"])
def test_a_library_that_is_missing_is_named_with_the_way_to_install_it(
    name: str, pictures: Path, tmp_path: Path
) -> None:
    # -I -S: nothing but Python's own library
    command = [sys.executable, "-I", "-S", str(DRIFT / f"{name}.py"), str(pictures), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "say how to install it" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def fit_changes(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Its reading only: scikit-learn is not needed for that, and not here."""
    for name in ("sklearn", "sklearn.linear_model"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["sklearn.linear_model"].LogisticRegression = object  # type: ignore[attr-defined]
    return load("fit_changes")


@pytest.mark.parametrize("text", [None, "{", "[]", '{"features": ["noise"], "drifts": [], "seed": 1}', '{"seed": 1}'])
def test_deviations_that_cannot_be_read_are_named(fit_changes: ModuleType, text: str | None, tmp_path: Path) -> None:
    file = tmp_path / "deviations.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SystemExit, match=r"deviations\.json has no d"):
        fit_changes.read([str(file)])
