"""Makes measures.json: tests and distances by SciPy, and isolation forests by scikit-learn.

    pip install numpy scipy scikit-learn && python test/core/drift/golden/make_measures.py
"""

import json
import pathlib

import numpy as np
from scipy import special, stats
from scipy.spatial.distance import jensenshannon
from sklearn.ensemble import IsolationForest

HERE = pathlib.Path(__file__).parent


def samples(rng):
    cases = []
    for m, n in [(1, 1), (3, 5), (8, 8), (20, 33), (60, 60), (100, 240)]:
        for shift in (0.0, 0.5, 3.0):
            one = rng.normal(0, 1, m).round(4)
            other = rng.normal(shift, 1.3, n).round(4)
            ks = stats.ks_2samp(one, other, method="exact")
            w = stats.wasserstein_distance(one, other)
            cases.append(dict(one=one.tolist(), other=other.tolist(), d=ks.statistic, p=ks.pvalue, wasserstein=w))
    return cases


def large(rng):
    cases = []
    for m, n, shift in [(1200, 1500, 0.0), (2000, 1000, 0.05), (1500, 1500, 0.2)]:
        # made from ranks in the test as well, so that the file stays small
        one = (np.arange(m) + 0.5) / m
        other = (np.arange(n) + 0.5) / n + shift
        d = stats.ks_2samp(one, other, method="asymp").statistic
        p = special.kolmogorov(d * np.sqrt(m * n / (m + n)))
        cases.append(dict(m=m, n=n, shift=shift, d=d, p=p))
    return cases


def shares(rng):
    cases = []
    for bins in (2, 5, 16):
        for sparse in (False, True):
            a = rng.integers(0 if sparse else 1, 4 if sparse else 60, bins)
            b = rng.integers(0 if sparse else 1, 5 if sparse else 90, bins)
            a[0], b[0] = max(a[0], 1), max(b[0], 1)
            p, q = a / a.sum(), b / b.sum()
            fp, fq = np.maximum(p, 1e-4), np.maximum(q, 1e-4)
            keep = (a + b) > 0
            chi = stats.chi2_contingency(np.array([a[keep], b[keep]]), correction=False)
            cases.append(
                dict(
                    a=a.tolist(),
                    b=b.tolist(),
                    psi=float(((fp - fq) * np.log(fp / fq)).sum()),
                    js=float(jensenshannon(p, q, base=2)),
                    chi=chi.statistic,
                    degrees=chi.dof,
                    p=chi.pvalue,
                )
            )
    return cases


def forest(rng):
    # scikit-learn compares in single precision
    rows = rng.normal(0, 1, (400, 3)).astype(np.float32)
    probes = np.concatenate([rng.normal(0, 1, (12, 3)), rng.normal(6, 1, (4, 3))]).astype(np.float32)
    model = IsolationForest(n_estimators=8, random_state=3).fit(rows)
    trees = [
        dict(
            left=t.children_left.tolist(),
            right=t.children_right.tolist(),
            feature=t.feature.tolist(),
            threshold=t.threshold.tolist(),
            points=t.n_node_samples.tolist(),
        )
        for t in (e.tree_ for e in model.estimators_)
    ]
    full = IsolationForest(n_estimators=100, random_state=4).fit(rows)
    return dict(
        trees=trees,
        subsample=256,
        rows=rows.round(4).astype(float).tolist(),
        probes=probes.astype(float).tolist(),
        scores=(-model.score_samples(probes)).tolist(),
        full=(-full.score_samples(probes)).tolist(),
    )


def student():
    cases = [(t, degrees) for t in (0, 0.3, 1, 2.5, 6, 12, 40) for degrees in (2, 4.5, 19, 80, 1000)]
    return [dict(t=t, degrees=n, p=2 * float(stats.t.sf(t, n))) for t, n in cases]


def poisson():
    ends = stats.chi2.ppf
    return [
        dict(count=n, low=float(ends(0.025, 2 * n) / 2) if n > 0 else 0, high=float(ends(0.975, 2 * n + 2) / 2))
        for n in (0, 1, 2, 5, 20, 175)
    ]


def main():
    rng = np.random.default_rng(5)
    made = dict(samples=samples(rng), large=large(rng), shares=shares(rng), forest=forest(rng))
    made.update(student=student(), poisson=poisson())
    (HERE / "measures.json").write_text(json.dumps(made, separators=(",", ":")) + "\n")


main()
