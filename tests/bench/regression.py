"""The regressions behind the router's heads: ridge-penalised, fitted by Newton's method."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dataplane.intent.heads import Weights

Matrix = NDArray[np.float64]


def listwise(lists: Sequence[tuple[Matrix, int, float]], ridge: float) -> Matrix:
    """Weights that best pick one row of each list: (rows of features, the right row, weight)."""
    groups: dict[int, list[tuple[Matrix, int, float]]] = defaultdict(list)
    for one in lists:
        groups[len(one[0])].append(one)
    blocks = [
        (
            np.stack([x for x, _, _ in group]),
            np.array([gold for _, gold, _ in group]),
            np.array([weight for _, _, weight in group]),
        )
        for group in groups.values()
    ]
    total = sum(weight for _, _, weight in lists)
    w = np.zeros(lists[0][0].shape[1])

    def loss(w: Matrix) -> float:
        found = ridge * float(w @ w)
        for x, gold, weight in blocks:
            z = x @ w
            best = z.max(axis=1)
            norm = best + np.log(np.exp(z - best[:, None]).sum(axis=1))
            found += float(weight @ (norm - z[np.arange(len(gold)), gold])) / total
        return found

    now = loss(w)
    for _ in range(30):
        gradient = 2 * ridge * w
        hessian = 2 * ridge * np.eye(len(w))
        for x, gold, weight in blocks:
            z = x @ w
            p = np.exp(z - z.max(axis=1, keepdims=True))
            p /= p.sum(axis=1, keepdims=True)
            mean = np.einsum("na,naf->nf", p, x)
            chosen = x[np.arange(len(gold)), gold]
            gradient += (weight[:, None] * (mean - chosen)).sum(axis=0) / total
            spread = x - mean[:, None, :]
            hessian += np.einsum("n,na,naf,nag->fg", weight, p, spread, spread) / total
        step = np.linalg.solve(hessian, gradient)
        # A whole step can overshoot where the lists are nearly decided.
        while (after := loss(w - step)) > now and np.abs(step).max() >= 1e-6:
            step /= 2
        w, now = w - step, after
        if np.abs(step).max() < 1e-6:
            break
    return w


def logistic(x: Matrix, y: Matrix, weight: Matrix, ridge: float) -> Weights:
    """Ridge-penalised logistic regression on standardised features, by Newton's method."""
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-9
    z = np.c_[(x - mean) / spread, np.ones(len(x))]
    penalty = ridge * np.r_[np.ones(x.shape[1]), 1e-9]
    w = np.zeros(z.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-z @ w))
        gradient = z.T @ (weight * (p - y)) / weight.sum() + penalty * w
        hessian = (z * (weight * p * (1 - p))[:, None]).T @ z / weight.sum() + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        w -= step
        if np.abs(step).max() < 1e-8:
            break
    slope = w[:-1] / spread
    return Weights(tuple(slope.round(3).tolist()), round(float(w[-1] - slope @ mean), 3))


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Chance that a random positive scores above a random negative."""
    values = np.concatenate([positive, negative])
    order = values.argsort(kind="stable")
    places = np.empty(len(values))
    places[order] = np.arange(1, len(values) + 1)
    n = len(positive)
    return float((places[:n].sum() - n * (n + 1) / 2) / (n * len(negative)))
