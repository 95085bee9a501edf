"""Lets Evidently and river decide, with their defaults, on the observations of `goshawk drift bench`.

    python -m venv .venv-drift && .venv-drift/bin/pip install -r scripts/drift/peers-requirements.txt

Reads a JSON file and writes another one: for each rule how many pieces without drift it alarmed at (a rule
without windows: how many alarms), and after how many observations it alarmed at each drift.
"""

import json
import sys
import warnings

try:
    import pandas as pd
    from evidently import Report
    from evidently.presets import DataDriftPreset
    from river import drift
except ImportError as error:
    sys.exit(f"peers: {error}; the first lines of {__file__} say how to install it")

# Evidently's default: the dataset drifted if half of its columns did
DRIFT_SHARE = 0.5
WARM_UP = 600


def frame(rows, names):
    return pd.DataFrame(rows, columns=names, dtype=float)


def drifted_columns(reference, current):
    """How many columns drifted, and of how many."""
    columns = [c for c in reference.columns if reference[c].notna().any() and current[c].notna().any()]
    snapshot = Report([DataDriftPreset()]).run(current[columns], reference[columns])
    counts = json.loads(snapshot.json())["metrics"][0]["value"]
    return counts["count"], counts["share"]


def evidently_rules(street, names):
    reference = frame(street["reference"], names)

    def decide(rows):
        count, share = drifted_columns(reference, frame(rows, names))
        return count > 0, share >= DRIFT_SHARE

    quiet = [decide(rows) for rows in street["quiet"]]
    drifts = [decide(rows) for rows in street["drifts"]]
    for at, name in enumerate(["Evidently, any column", "Evidently, half of the columns"]):
        delays = [len(rows) if found[at] else None for rows, found in zip(street["drifts"], drifts)]
        yield name, sum(found[at] for found in quiet), len(quiet), delays


class Detectors:
    """One for each feature."""

    def __init__(self, make, count):
        self.make = make
        self.each = [make() for _ in range(count)]

    def update(self, row):
        alarm = False
        for detector, value in zip(self.each, row):
            if value is None:
                continue
            detector.update(value)
            alarm = alarm or detector.drift_detected
        return alarm


def river_rules(street, names):
    makers = {
        "river ADWIN": drift.ADWIN,
        "river KSWIN": lambda: drift.KSWIN(seed=1),
        "river Page-Hinkley": drift.PageHinkley,
    }
    for name, make in makers.items():
        stream = Detectors(make, len(names))
        for row in street["reference"]:
            stream.update(row)
        alarms = sum(stream.update(row) for rows in street["quiet"] for row in rows)
        delays = []
        for rows in street["drifts"]:
            stream = Detectors(make, len(names))
            for row in street["day"][-WARM_UP:]:
                stream.update(row)
            delays.append(next((i + 1 for i, row in enumerate(rows) if stream.update(row)), None))
        yield name, alarms, None, delays


def main():
    warnings.filterwarnings("ignore")
    if len(sys.argv) != 3:
        sys.exit("usage: peers.py OBSERVATIONS.json RULES.json")
    source, target = sys.argv[1:]
    try:
        with open(source) as file:
            asked = json.load(file)
    except (OSError, ValueError) as error:
        sys.exit(f"peers: {source} cannot be read: {error}")
    rules = {}
    for street in asked["streets"]:
        for decide in (evidently_rules, river_rules):
            for name, alarms, windows, delays in decide(street, asked["features"]):
                row = rules.setdefault(name, {"rule": name, "alarms": 0, "windows": None, "delays": []})
                row["alarms"] += int(alarms)
                if windows is not None:
                    row["windows"] = (row["windows"] or 0) + windows
                row["delays"].extend(delays)
    with open(target, "w") as file:
        json.dump(list(rules.values()), file)


if __name__ == "__main__":
    main()
