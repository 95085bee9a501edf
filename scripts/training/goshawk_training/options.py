"""Command-line options for the fields of settings."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import Any


def add_settings(parser: argparse.ArgumentParser, defaults: object, prefix: str = "") -> None:
    """One option for each plain field of a settings object; a switch NAME also has --no-NAME. Tuples are omitted."""
    for field in fields(defaults):  # type: ignore[arg-type]
        value = getattr(defaults, field.name)
        name = f"--{prefix}{field.name.replace('_', '-')}"
        if isinstance(value, bool):
            parser.add_argument(name, action=argparse.BooleanOptionalAction, default=value)
        elif isinstance(value, (int, float, str)):
            parser.add_argument(name, type=type(value), default=value, help=f"default {value}")


def chosen(options: argparse.Namespace, kind: type, prefix: str = "") -> dict[str, Any]:
    """The given options that are fields of a settings class."""
    given = vars(options)
    names = {field.name: f"{prefix.replace('-', '_')}{field.name}" for field in fields(kind)}  # type: ignore[arg-type]
    return {name: given[option] for name, option in names.items() if option in given}
