"""Makes assignment.json and kalman.json: least-cost assignments by SciPy, and a box filter as eight-state
matrices in numpy.

    pip install numpy scipy && python test/core/tracking/golden/make.py
"""

import json
import pathlib

import numpy as np
from scipy.optimize import linear_sum_assignment

HERE = pathlib.Path(__file__).parent


def assignments(rng):
    shapes = [(1, 1), (1, 4), (4, 1), (3, 3), (5, 8), (8, 5), (12, 12), (20, 7), (7, 20), (30, 31)]
    cases = []
    for rows, columns in shapes:
        for kind in ("random", "ties", "sparse", "negative"):
            if kind == "random":
                cost = rng.uniform(0, 1, (rows, columns))
            elif kind == "ties":
                cost = rng.integers(0, 3, (rows, columns)).astype(float)
            elif kind == "sparse":
                cost = -np.where(rng.uniform(size=(rows, columns)) < 0.15, rng.uniform(0.2, 1, (rows, columns)), 0)
            else:
                cost = rng.normal(0, 100, (rows, columns))
            cost = cost.round(6)
            r, c = linear_sum_assignment(cost)
            unique = kind in ("random", "negative")
            column_of = [-1] * rows
            for i, j in zip(r, c):
                column_of[i] = int(j)
            cases.append(dict(kind=kind, rows=rows, columns=columns, cost=cost.ravel().tolist(),
                              total=float(cost[r, c].sum()), columnOf=column_of if unique else None))
    return cases


def kalman(rng):
    """Eight states (x, y, w, h, and their velocities a second), full matrices, noise as BoT-SORT at 30 Hz steps."""
    hz = 30.0
    wp, wv = 1 / 20, 1 / 160
    box = np.array([320.0, 200, 80, 160])

    def scale(m):
        return np.array([m[2], m[3], m[2], m[3]])

    mean = np.r_[box, np.zeros(4)]
    cov = np.diag(np.r_[(2 * wp * scale(mean)) ** 2, (10 * wv * hz * scale(mean)) ** 2])
    start, steps = box.tolist(), []
    for step in range(25):
        seconds = [1 / 30, 1 / 15, 0.1][step % 3]
        f = np.eye(8)
        f[:4, 4:] = np.eye(4) * seconds
        q = np.diag(np.r_[(wp * scale(mean)) ** 2, (wv * hz * scale(mean)) ** 2]) * seconds * hz
        mean, cov = f @ mean, f @ cov @ f.T + q
        predicted = mean[:4].copy()
        measured = None
        if step % 7 != 5:
            box = box + np.array([6.0, -2, 1, 2]) + rng.normal(0, 2, 4)
            measured = box.round(4)
            h = np.eye(4, 8)
            s = h @ cov @ h.T + np.diag((wp * scale(mean)) ** 2)
            gain = cov @ h.T @ np.linalg.inv(s)
            mean = mean + gain @ (measured - h @ mean)
            cov = cov - gain @ s @ gain.T
            measured = measured.tolist()
        steps.append(
            dict(seconds=seconds, predicted=predicted.tolist(), measured=measured, corrected=mean[:4].tolist())
        )
    return dict(start=start, steps=steps)


def main():
    rng = np.random.default_rng(7)
    (HERE / "assignment.json").write_text(json.dumps(assignments(rng)) + "\n")
    (HERE / "kalman.json").write_text(json.dumps(kalman(rng)) + "\n")


if __name__ == "__main__":
    main()
