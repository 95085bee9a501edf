"""Training with several processes (`torchrun`): each takes its share of every batch, and gradients are averaged.

Each process normalizes with the statistics of its own share of a batch, and the running statistics are those of the
first process (torch has no synchronized batch norm on CPUs). With the norms' statistics frozen, gradients are those of
one process up to rounding; that is tested.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from .loader import WHOLE, Share

Value = TypeVar("Value")


class Processes:
    """The processes of a run; only one unless `torchrun` started more."""

    def __init__(self, share: Share = WHOLE) -> None:
        self.share = share

    @property
    def alone(self) -> bool:
        """Whether there is no other process."""
        return self.share.world == 1

    @property
    def first(self) -> bool:
        """Whether this process writes and prints."""
        return self.share.rank == 0

    def wrapped(self, model: nn.Module) -> nn.Module:
        """The network whose backward pass averages gradients over all processes."""
        return model if self.alone else DistributedDataParallel(model)

    def norm(self, total: Tensor) -> Tensor:
        """The divisor for a sum of losses: the total over all processes, at least 1, so that averaged gradients are
        those of the whole batch.
        """
        if self.alone:
            return total.clamp(min=1.0)
        everywhere = total.detach().clone()
        dist.all_reduce(everywhere)
        return everywhere.clamp(min=1.0) / self.share.world

    def agree(self, value: Value) -> Value:
        """The first process's value, for all: measurements on each process's share differ in the last digits."""
        if self.alone:
            return value
        values = [value]
        dist.broadcast_object_list(values, src=0)
        return values[0]

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process, so that all stop after the same step."""
        if self.alone:
            return flag
        total = torch.tensor(float(flag))
        dist.all_reduce(total)
        return bool(total > 0)


@contextmanager
def joined() -> Iterator[Processes]:
    """Joins the processes that `torchrun` started, over gloo, until the end of the block."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Processes()
        return
    dist.init_process_group("gloo")
    try:
        yield Processes(Share(dist.get_rank(), world))
    finally:
        dist.destroy_process_group()
