"""How many cores to use on a shared machine."""

from __future__ import annotations

import os

import torch

FOLLOW_LOAD = 0
STEPS_BETWEEN_LOOKS = 20
BUSY = 1.0
"""Runnable processes of others, averaged over a minute, above which one thread is faster than all: the threads of one
operation wait for each other until the slower one is scheduled (measured on a busy machine: 13 images per CPU second
with two threads, 40 with one)."""


class Threads:
    """Sets torch's thread count: a fixed one, or with FOLLOW_LOAD all cores on an idle machine, one on a busy one."""

    def __init__(self, wanted: int) -> None:
        self._follows = wanted == FOLLOW_LOAD
        self._count = (os.cpu_count() or 1) if self._follows else wanted
        self._most = self._count
        torch.set_num_threads(self._count)

    def look(self, step: int) -> None:
        """Adapts if requested; sums are then rounded differently, so runs are not reproducible to the bit."""
        if not self._follows or step % STEPS_BETWEEN_LOOKS != 0:
            return
        others = os.getloadavg()[0] - self._count
        count = 1 if others > BUSY else self._most
        if count != self._count:
            self._count = count
            torch.set_num_threads(count)
