"""Learns what known changes do to features, and which deviations speak for which cause.

    goshawk drift bench --seed 1 --robots 1 --days 0.01 --deviations deviations.json
    pip install scikit-learn==1.9.1
    python scripts/drift/fit_changes.py shifts deviations.json
    python scripts/drift/fit_changes.py causes deviations.json
    python scripts/drift/fit_changes.py places deviations.json

`shifts` writes src/core/drift/space/measured-changes.ts. `causes` writes src/core/drift/verdict/cause-weights.ts, and
says how often the cause of streets that were left out is right. `places` writes
src/core/drift/space/place-variation.ts. Then run prettier. Several files may be given.
"""

import argparse
import json
import pathlib
import sys

try:
    import numpy as np
    from sklearn.linear_model import LogisticRegression
except ImportError as error:
    sys.exit(f"fit_changes: {error}; the first lines of {__file__} say how to install it")

CAUSES = {"tilt": "camera_moved", "mix": "scene"}
#: by strength: how much a shift counts, so that strong drift does not outweigh what is common
WEIGHTS = {"middle": 1.0, "strong": 0.6}
LEAST_SHIFT, LEAST_WEIGHT = 0.015, 0.015

ROOT = pathlib.Path(__file__).parents[2] / "src/core/drift"

SHIFTS_HEAD = """import type { ObservedName } from '../observe/observed.ts';

type ByFeature = Readonly<Partial<Record<ObservedName, number>>>;
"""

PLACES_HEAD = """import type { ObservedName } from '../observe/observed.ts';
"""

CAUSES_HEAD = """import type { ObservedName } from '../observe/observed.ts';

type ByFeature = Readonly<Partial<Record<ObservedName, number>>>;

/** How much a deviation of each feature speaks for a cause (`compressed` in `causes.ts`). */
export interface CauseWeights {
  readonly bias: number;
  /** of the deviation with its sign: what a known change does */
  readonly shifts: ByFeature;
  /** of its size: another place differs, and in no direction that can be known */
  readonly sizes: ByFeature;
}
"""


def compressed(sigmas):
    clipped = np.clip(sigmas, -20, 20)
    return np.sign(clipped) * np.log1p(np.abs(clipped))


def table(names, values, least):
    kept = [f"{name}: {value:.2f}" for name, value in zip(names, values) if abs(value) >= least]
    return "{ " + ", ".join(kept) + " }"


def measures(row):
    values = compressed(row["sigmas"])
    return np.concatenate([values, np.abs(values)])


def fitted(rows):
    model = LogisticRegression(C=0.1, max_iter=5000)
    return model.fit([measures(row) for row in rows], [row["kind"] for row in rows])


def read(paths):
    """Features, the rows of all streets, and how their places look."""
    rows, places, names = [], [], []
    for path in paths:
        try:
            data = json.loads(pathlib.Path(path).read_text())
            own, drifts = data["features"], data["drifts"]
            rows += [{**row, "street": (data["seed"], row["street"])} for row in drifts]
            places += [np.array(one["means"], dtype=float) for one in data["places"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            sys.exit(f"fit_changes: {path} has no deviations of goshawk drift bench: {error!r}")
        if not drifts or names not in ([], own):
            sys.exit(f"fit_changes: {path} has no drifts, or other features than the files before")
        names = own
    streets = sorted({row["street"] for row in rows})
    seeds = ", ".join(str(seed) for seed in sorted({seed for seed, _ in streets}))
    return names, rows, places, streets, f"{len(streets)} simulated streets (goshawk drift bench, seed {seeds})"


def write_shifts(names, rows, where):
    what = "Median shifts of scaled features (`scale.ts`) from a clear day"
    text = [SHIFTS_HEAD, f"/**\n * {what} over\n * {where}, by scripts/drift/fit_changes.py.\n */"]
    text.append("export const MEASURED_SHIFTS = {")
    for kind in sorted({row["kind"] for row in rows} - {"mix"}):
        known = [row for row in rows if row["kind"] == kind and row["strength"] in WEIGHTS]
        shifts = [np.array(row["shifts"]) * WEIGHTS[row["strength"]] for row in known]
        text.append(f"  {CAUSES.get(kind, kind)}: {table(names, np.median(shifts, axis=0), LEAST_SHIFT)},")
    text.append("} as const satisfies Readonly<Record<string, ByFeature>>;")
    (ROOT / "space/measured-changes.ts").write_text("\n".join(text) + "\n")


def write_causes(names, rows, where):
    model = fitted(rows)
    text = [CAUSES_HEAD, f"/**\n * Multinomial logistic regression (L2, C = 0.1) on deviations in\n * {where}.\n */"]
    text.append("export const CAUSE_WEIGHTS = {")
    for kind, bias, weights in zip(model.classes_, model.intercept_, model.coef_):
        shifts, sizes = (table(names, part, LEAST_WEIGHT) for part in np.split(weights, 2))
        text.append(f"  {CAUSES.get(kind, kind)}: {{ bias: {bias:.2f}, shifts: {shifts}, sizes: {sizes} }},")
    text.append("} as const satisfies Readonly<Record<string, CauseWeights>>;")
    (ROOT / "verdict/cause-weights.ts").write_text("\n".join(text) + "\n")


def write_places(names, places, where):
    """The mean covariance between places; what a street never measured does not vary in it."""
    within = [np.nan_to_num(means - np.nanmean(means, axis=0)) for means in places]
    covariance = np.mean([means.T @ means / (len(means) - 1) for means in within], axis=0)
    what = "Covariance of scaled features (`scale.ts`) between places of a street, of their means over 25 s"
    text = [PLACES_HEAD, f"/**\n * {what}: the mean of\n * {where},"]
    text.append(" * by day and at night, by scripts/drift/fit_changes.py. Each row ends with the feature itself.\n */")
    text.append("export const PLACE_VARIATION: Readonly<Partial<Record<ObservedName, readonly number[]>>> = {")
    for i, name in enumerate(names):
        row = ", ".join(f"{value:.3g}" for value in covariance[i, : i + 1])
        text.append(f"  {name}: [{row}],")
    text.append("};")
    (ROOT / "space/place-variation.ts").write_text("\n".join(text) + "\n")


def say_left_out(rows, streets):
    right = []
    for street in streets:
        model = fitted([row for row in rows if row["street"] != street])
        own = [row for row in rows if row["street"] == street and row["strength"] == "middle"]
        right += [model.predict([measures(row)])[0] == row["kind"] for row in own]
    print(f"cause right in {np.mean(right):.3f} of windows of the middle strength, each street left out")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["shifts", "causes", "places"])
    parser.add_argument("deviations", nargs="+", help="files of goshawk drift bench --deviations")
    given = parser.parse_args()
    names, rows, places, streets, where = read(given.deviations)
    if given.what == "shifts":
        write_shifts(names, rows, where)
    elif given.what == "places":
        write_places(names, places, where)
    else:
        say_left_out(rows, streets)
        write_causes(names, rows, where)


if __name__ == "__main__":
    main()
