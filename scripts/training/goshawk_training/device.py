"""Where a network computes: on the CPU, or on a CUDA device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

DEVICES = ("auto", "cpu", "cuda")
"""Choices of `--device`; `auto` is a CUDA device where there is one."""
CPU = torch.device("cpu")


def device_of(name: str) -> torch.device:
    """The device that an option names, set up for training. Raises ValueError where there is none."""
    if name not in DEVICES:
        raise ValueError(f"--device {name}: one of {', '.join(DEVICES)}")
    available = torch.cuda.is_available()
    if name == "cpu" or (name == "auto" and not available):
        return CPU
    if not available:
        raise ValueError("--device cuda: torch sees no CUDA device here; use --device cpu")
    # batches are all of one size, so the fastest kernels are worth looking for
    torch.backends.cudnn.benchmark = True
    # what is not under autocast (prediction layers, losses, evaluation) is float32 in full
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    return torch.device("cuda", torch.cuda.current_device())


@contextmanager
def no_kernel_search() -> Iterator[None]:
    """For a few batches the fastest kernels are not worth looking for."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


def peak_memory(device: torch.device) -> str:
    """A line about the most memory that was in use, empty for the CPU."""
    if device.type != "cuda":
        return ""
    gib = [f"{value / 2**30:.1f}" for value in (torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved())]
    return f"device memory: at most {gib[0]} GiB in use, {gib[1]} GiB reserved"


def describe(device: torch.device) -> dict[str, str | int]:
    """What a lineage says about the device, {} for the CPU, which it describes with the machine."""
    if device.type != "cuda":
        return {}
    properties = torch.cuda.get_device_properties(device)
    return {
        "name": properties.name,
        "memoryMiB": properties.total_memory // 2**20,
        "cuda": str(torch.version.cuda),
        "cudnn": str(torch.backends.cudnn.version()),
    }
