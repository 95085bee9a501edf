"""The table of exporters in the documentation."""

from __future__ import annotations

import argparse
import sys
import traceback
from pathlib import Path

from . import detr_exports, ultralytics_exports, yolox_exports
from .boxes import NOTHING, Comparison, clipped, compare, is_empty
from .case import Case, Workbench
from .random_weights import read
from .runtime import IMAGES, RefusedError, Runtime

BEGIN, END = "<!-- exporters: begin -->", "<!-- exporters: end -->"


def main() -> None:
    """Makes and compares every export, prints the table, and writes it into a document."""
    parser = argparse.ArgumentParser(prog="python -m goshawk_exporters", description=__doc__)
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for networks, exports and bundles: new or empty"
    )
    parser.add_argument("--only", help="cases whose name contains this word")
    parser.add_argument("--shared", type=Path, help="folder with yolox_nano_416.onnx and yolox_nano_640.onnx")
    parser.add_argument("--docs", type=Path, help="Markdown file whose table is replaced")
    options = parser.parse_args()
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    runtime = Runtime(work)
    sections = [
        (ultralytics_exports.EXPORTER, ultralytics_exports.cases()),
        (detr_exports.EXPORTER, detr_exports.cases()),
        (yolox_exports.EXPORTER, yolox_exports.cases(options.shared)),
    ]
    rows = []
    for exporter, cases in sections:
        for case in cases:
            if options.only is None or options.only in case.name:
                rows.append(_row(exporter, case, work, runtime))
                print(rows[-1], file=sys.stderr, flush=True)
    table = "\n".join(
        [
            "| exporter | network | options | head | exporter's boxes found | largest edge error, px | score error |",
            "|---|---|---|---|---|---|---|",
            *rows,
        ]
    )
    print(f"{IMAGES} images each")
    print(table)
    if options.docs is not None:
        before, rest = options.docs.read_text().split(BEGIN)
        options.docs.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.split(END)[1]}")


def _row(exporter: str, case: Case, work: Path, runtime: Runtime) -> str:
    start = f"| {exporter} | {case.network} | {case.options} |"
    try:
        head, result = _compare(case, work, runtime)
    except RefusedError as refusal:
        return f"{start} refused: {refusal} | | | |"
    except Exception:  # a failing tool is a row, not the end
        traceback.print_exc()
        return f"{start} could not be exported: {str(sys.exc_info()[1]).splitlines()[0][:120]} | | | |"
    more = "" if result.found == result.matched else f", and {result.found - result.matched} others"
    return f"{start} `{head}` | {result.matched} of {result.wanted}{more} | {result.pixels:.2f} | {result.score:.4f} |"


def _compare(case: Case, work: Path, runtime: Runtime) -> tuple[str, Comparison]:
    exported = case.make(Workbench(work, runtime, case.name))
    imported = runtime.imported(exported.file, case.name, exported.flags)
    limits = exported.limits
    found = runtime.detect(
        imported.bundle, exported.images, score=limits.score, iou=limits.iou, every_class=limits.every_class
    )
    height, width = read(exported.images[:1]).shape[2:]
    result = NOTHING
    for own, ours in zip(exported.own, found, strict=True):
        inside = [box for box in (clipped(one, width, height) for one in own) if not is_empty(box)]
        result += compare(inside, [box for box in ours if not is_empty(box)])
    return imported.head, result
