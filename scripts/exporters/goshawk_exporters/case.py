"""What is compared: a file as its tool exports it, and what the tool itself finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .boxes import Box
from .runtime import Runtime


@dataclass(frozen=True)
class Limits:
    """What counts as found."""

    score: float = 0.25
    iou: float = 0.7
    every_class: bool = False
    """each class of a row that passes is a detection of its own"""


@dataclass(frozen=True)
class Exported:
    """A file, how it is imported, and what its own tool finds in the pictures."""

    file: Path
    pictures: list[Path]
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
        """Lower-case letters, digits and dashes: a name of files and of a bundle."""
        words = f"{self.network}-{self.options}".lower()
        return "-".join("".join(c if c.isalnum() or c == "." else " " for c in words).split())


@dataclass(frozen=True)
class Workbench:
    """Where a case is made."""

    folder: Path
    runtime: Runtime
    name: str

    def pictures(self, width: int, height: int) -> list[Path]:
        """Drawn streets of the network's own size: how pictures are made smaller is not what is compared."""
        return self.runtime.drawn(width, height)
