"""Typed reading of a request's fields; a missing field or one of another type is an OpError."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import OpError

Report = Callable[[int, int], None]
"""Called with the work done and the total."""

_ABSENT = object()


def ignore(done: int, total: int) -> None:
    """Ignores progress."""


@dataclass(frozen=True)
class Request:
    """Fields of one request, or of an object inside it."""

    fields: dict[str, Any]
    place: str = "the request"

    def has(self, name: str) -> bool:
        """True if the field exists and is not null."""
        return self.fields.get(name) is not None

    def _get(self, name: str, kinds: tuple[type, ...], default: object) -> Any:  # noqa: ANN401 - checked here
        value = self.fields.get(name)
        if value is None:
            if default is _ABSENT:
                raise OpError("unsupported", f"{self.place} lacks {name}")
            return default
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise OpError("unsupported", f"{name} of {self.place} is {value!r}")
        return value

    def text(self, name: str, default: str | object = _ABSENT) -> str:
        """A string."""
        return self._get(name, (str,), default)

    def path(self, name: str) -> Path:
        """A path on this machine."""
        return Path(self.text(name))

    def integer(self, name: str, default: int | object = _ABSENT) -> int:
        """An integer."""
        return self._get(name, (int,), default)

    def number(self, name: str, default: float | object = _ABSENT) -> float:
        """Any number."""
        return float(self._get(name, (int, float), default))

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean."""
        return self._get(name, (bool,), default)

    def texts(self, name: str) -> list[str]:
        """A list of strings; empty if absent."""
        values = self._get(name, (list,), [])
        if not all(isinstance(value, str) for value in values):
            raise OpError("unsupported", f"{name} of {self.place} is not a list of strings")
        return values

    def choice(self, name: str, choices: tuple[str, ...], default: str | object = _ABSENT) -> str:
        """One of some strings."""
        value = self.text(name, default)
        if value not in choices:
            raise OpError("unsupported", f"{name} of {self.place} is {value!r}, not one of {', '.join(choices)}")
        return value

    def part(self, name: str) -> Request:
        """A nested object; empty if absent."""
        return Request(self._get(name, (dict,), {}), name)

    def images(self) -> NDArray[np.uint8]:
        """The first `count` letterboxed RGB images of a file, uint8 [count, height, width, 3], read on demand."""
        path = self.path("pictures")
        shape = (self.integer("count"), self.integer("height"), self.integer("width"), 3)
        if min(shape) < 1:
            raise OpError("unsupported", f"images of {self.place} have the shape {shape}")
        size = path.stat().st_size
        if size < int(np.prod(shape)):
            raise OpError("unsupported", f"{path} has {size} bytes, less than the {int(np.prod(shape))} of {shape}")
        return np.memmap(path, np.uint8, "r", shape=shape)
