"""The progress line: position, speed and remaining time of a run."""

from __future__ import annotations

import sys
import time

from .loss import LossParts

SMOOTHING = 0.02


class Progress:
    """Rewrites one line on a terminal; elsewhere prints a line every `every` seconds."""

    def __init__(self, total: int, per_epoch: int, batch: int, first: int, every: float = 15.0) -> None:
        self.total, self.per_epoch, self.batch = total, per_epoch, batch
        self._first, self._begun = first, time.monotonic()
        self._live = sys.stdout.isatty()
        self._every = 0.5 if self._live else every
        self._shown = 0.0
        self._shown_step = first
        self._smooth: list[float] | None = None

    def show(self, step: int, rate: float, parts: LossParts) -> None:
        """Records a step, and prints when it is time to."""
        values = [parts.objectness, parts.classes, parts.box, parts.teacher]
        before = self._smooth or values
        self._smooth = [b + SMOOTHING * (v - b) for b, v in zip(before, values, strict=True)]
        now = time.monotonic()
        if now - self._shown < self._every and step < self.total:
            return
        # the remaining time follows from the whole run, the rate from the time since the last line
        recent = (step - self._shown_step) / max(1e-9, now - max(self._shown, self._begun))
        self._shown, self._shown_step = now, step
        speed = (step - self._first) / max(1e-9, now - self._begun)
        objectness, classes, box, teacher = self._smooth
        taught = f" teacher {teacher:.3f}" if teacher else ""
        line = (
            f"epoch {(step - 1) // self.per_epoch + 1}/{-(-self.total // self.per_epoch)}  step {step}/{self.total}  "
            f"object {objectness:.3f} class {classes:.3f} box {box:.3f}{taught}  lr {rate:.2e}  "
            f"{recent * self.batch:.0f} images/s  {_minutes((self.total - step) / max(1e-9, speed))} left"
        )
        if self._live:
            print(f"\r{line}\x1b[K", end="" if step < self.total else "\n", flush=True)
        else:
            print(line, flush=True)


def _minutes(seconds: float) -> str:
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"
