"""What is compared: a file as its tool exports it, and the tool's own detections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .boxes import Box
from .runtime import Runtime


@dataclass(frozen=True)
class Limits:
    """What counts as a detection."""

    score: float = 0.25
    iou: float = 0.7
    every_class: bool = False
    """each class of a row that passes is a separate detection"""


@dataclass(frozen=True)
class Exported:
    """A file, how it is imported, and its own tool's detections in the images."""

    file: Path
    images: list[Path]
    own: list[list[Box]]
    limits: Limits = Limits()
    flags: tuple[str, ...] = ()
    """options of `goshawk models import`"""


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    network: str
    options: str
    make: Callable[[Workbench], Exported] = field(repr=False)

    @property
    def name(self) -> str:
        """Lower-case letters, digits and dashes, for file and bundle names."""
        words = f"{self.network}-{self.options}".lower()
        return "-".join("".join(c if c.isalnum() or c == "." else " " for c in words).split())


@dataclass(frozen=True)
class Workbench:
    """Where a case is built."""

    folder: Path
    runtime: Runtime
    name: str

    def images(self, width: int, height: int) -> list[Path]:
        """Drawn streets of the network's own size, so that scaling is not part of the comparison."""
        return self.runtime.drawn(width, height)
