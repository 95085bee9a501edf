"""Where a network computes: CPU or CUDA device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

DEVICES = ("auto", "cpu", "cuda")
"""Choices of `--device`; `auto` is a CUDA device if there is one."""
CPU = torch.device("cpu")


def device_of(name: str) -> torch.device:
    """The device that an option names, set up for training. Raises ValueError if it is not available."""
    if name not in DEVICES:
        raise ValueError(f"--device {name}: one of {', '.join(DEVICES)}")
    available = torch.cuda.is_available()
    if name == "cpu" or (name == "auto" and not available):
        return CPU
    if not available:
        raise ValueError("--device cuda: torch sees no CUDA device here; use --device cpu")
    # all batches have one size, so searching for the fastest kernels pays off
    torch.backends.cudnn.benchmark = True
    # everything outside autocast (prediction layers, losses, evaluation) is full float32
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    return torch.device("cuda", torch.cuda.current_device())


@contextmanager
def no_kernel_search() -> Iterator[None]:
    """For a few batches, searching for the fastest kernels does not pay off."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


def peak_memory(device: torch.device) -> str:
    """A line about peak memory; empty for the CPU."""
    if device.type != "cuda":
        return ""
    gib = [f"{value / 2**30:.1f}" for value in (torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved())]
    return f"device memory: peak {gib[0]} GiB in use, {gib[1]} GiB reserved"


def describe(device: torch.device) -> dict[str, str | int]:
    """The device in a lineage; {} for the CPU, which is part of the machine."""
    if device.type != "cuda":
        return {}
    properties = torch.cuda.get_device_properties(device)
    return {
        "name": properties.name,
        "memoryMiB": properties.total_memory // 2**20,
        "cuda": str(torch.version.cuda),
        "cudnn": str(torch.backends.cudnn.version()),
    }
