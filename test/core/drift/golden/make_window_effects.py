"""Makes window_effects.json: distances of histograms whose values are spread evenly over their bins, by SciPy.

    pip install numpy scipy && python test/core/drift/golden/make_window_effects.py
"""

import json
import pathlib

import numpy as np
from scipy.stats import wasserstein_distance

PARTS = 4000
# edges and highest value of `brightness`
BRIGHTNESS = ([i / 32 for i in range(1, 32)], 1.0)
CASES = [
    ({9: 40, 10: 50, 11: 10}, {9: 40, 10: 50, 11: 10}),
    ({3: 1, 20: 3}, {10: 5, 11: 5}),
    ({0: 7, 31: 1}, {31: 2}),
    ({5: 10, 6: 80, 7: 10}, {6: 10, 7: 80, 8: 10}),
]


def spread(counts, edges, highest):
    bounds = list(zip([0.0, *edges], [*edges, highest]))
    values, weights = [], []
    for at, count in counts.items():
        low, high = bounds[at]
        values.extend(low + (high - low) * (np.arange(PARTS) + 0.5) / PARTS)
        weights.extend([count / PARTS] * PARTS)
    return np.array(values), np.array(weights)


def deviation(values, weights):
    mean = np.average(values, weights=weights)
    return float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))


cases = []
for now, reference in CASES:
    u, u_weights = spread(now, *BRIGHTNESS)
    v, v_weights = spread(reference, *BRIGHTNESS)
    distance = wasserstein_distance(u, v, u_weights, v_weights) / deviation(v, v_weights)
    cases.append({"now": now, "reference": reference, "wasserstein": float(distance)})
path = pathlib.Path(__file__).parent / "window_effects.json"
path.write_text(json.dumps(cases, indent=2) + "\n")
