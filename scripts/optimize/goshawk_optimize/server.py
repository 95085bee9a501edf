"""The line protocol: one JSON request per line in, JSON answers out, until stdin ends."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import Any, TextIO

from . import ops
from .errors import OpError, describe
from .request import Report, Request

Answer = dict[str, Any]
Op = Callable[[Request, Report], Answer]

OPS: dict[str, Op] = {
    "hello": ops.hello,
    "clean": ops.clean,
    "polish": ops.polish,
    "calibrate": ops.calibrate,
    "sensitivity": ops.sensitivity,
    "quantize": ops.quantize,
    "weights": ops.weights,
    "dynamic": ops.dynamic,
    "half": ops.half,
}


def serve(lines: Iterable[str], send: Callable[[Answer], None]) -> None:
    """Answers each line; no exception of an op ends the process."""
    for line in lines:
        if line.strip():
            _answer(line, send)


def _answer(line: str, send: Callable[[Answer], None]) -> None:
    number: object = None
    try:
        fields = _parse(line)
        number = fields.get("id")
        request = Request(fields)
        op = OPS.get(request.text("op"))
        if op is None:
            raise OpError("unsupported", f"there is no op {request.text('op')!r}: {', '.join(OPS)}")
        result = op(request, lambda done, total: send({"id": number, "progress": {"done": done, "total": total}}))
        send({"id": number, "ok": {**result, "peakBytes": peak_bytes()}})
    except Exception as error:
        kind, reason = describe(error)
        if kind == "internal":
            traceback.print_exc(file=sys.stderr)
        send({"id": number, "error": {"kind": kind, "reason": reason}})


def _parse(line: str) -> dict[str, Any]:
    try:
        fields = json.loads(line, parse_constant=_refuse)
    except ValueError as error:
        raise OpError("unsupported", f"a request is one line of JSON: {error}") from error
    if not isinstance(fields, dict):
        raise OpError("unsupported", "a request is a JSON object")
    return fields


def _refuse(word: str) -> None:
    """Refuses NaN and Infinity, which Python reads but JSON answers cannot contain."""
    raise ValueError(f"{word} is not JSON")


def peak_bytes() -> int:
    """Peak memory of this process (VmHWM); 0 if the system does not report it."""
    try:
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def main() -> None:
    """Serves stdin. Whatever libraries print goes to stderr: stdout carries answers only."""
    out: TextIO = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def send(answer: Answer) -> None:
        out.write(json.dumps(answer, allow_nan=False) + "\n")
        out.flush()

    try:
        serve(sys.stdin, send)
    except BrokenPipeError:
        os._exit(1)
