"""Makes accuracy.json: ridge regressions by scikit-learn and rank correlations by SciPy.

    pip install numpy scipy scikit-learn && python test/core/drift/golden/make_accuracy.py
"""

import json
import pathlib

import numpy as np
from scipy.stats import spearmanr
from sklearn.linear_model import Ridge

HERE = pathlib.Path(__file__).parent


def ridges(rng):
    cases = []
    for n, columns, penalty in [(5, 1, 0.01), (30, 3, 0.01), (30, 3, 1.0), (200, 6, 0.01), (4, 6, 0.1)]:
        x = (rng.normal(0, 1, (n, columns)) * rng.uniform(0.01, 50, columns)).round(4)
        y = (x @ rng.normal(0, 1, columns) + rng.normal(0, 0.1, n)).round(4)
        scale = np.sqrt((x**2).mean(axis=0))
        fitted = Ridge(alpha=penalty * n, fit_intercept=False, solver="cholesky").fit(x / scale, y)
        cases.append(dict(x=x.tolist(), y=y.tolist(), penalty=penalty, weights=(fitted.coef_ / scale).tolist()))
    return cases


def correlations(rng):
    cases = []
    for n, levels in [(2, 100), (9, 3), (50, 4), (200, 1000)]:
        one = rng.integers(0, levels, n)
        other = rng.integers(0, levels, n) + one
        one[0], one[1], other[0], other[1] = 0, 1, 5, 3
        cases.append(dict(one=one.tolist(), other=other.tolist(), rho=float(spearmanr(one, other)[0])))
    return cases


def main():
    rng = np.random.default_rng(11)
    golden = dict(ridges=ridges(rng), correlations=correlations(rng))
    (HERE / "accuracy.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
