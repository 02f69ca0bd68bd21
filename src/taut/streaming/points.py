"""Points: a few weighted rows that have the sums of many, so that whatever fits rows fits sums."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy

from taut.streaming.record import MomentsRecord
from taut.types import Float

EPS = float(np.finfo(np.float64).eps)


class Points(NamedTuple):
    """m rows: X (m, p), y (m,), weights (m,), how many rows of the table each stands for (m,), and the part it is of (m,)."""

    X: Float
    y: Float
    weight: Float
    counts: Float
    parts: Float


def points_of(moments: MomentsRecord, parts: range) -> Points:
    """Rows of which every part has the weight, the mean and the covariance that its sums say, to rounding.

    A covariance LLᵀ of rank r is that of the r + 1 equally heavy points mean + √(r + 1) L uᵢ, where uᵢ are the corners of a
    regular simplex: Σ uᵢ = 0, Σ uᵢuᵢᵀ = 1. A fold of more rows than its features and one is thus m = p + 2 points.
    """
    rows, weights, counts, owners = [], [], [], []
    for part in parts:
        total, mean, about = moments.centred(part)
        root = _root(about) * moments.preparation.scale[:, None]
        m = root.shape[1] + 1
        rows.append(mean + np.sqrt(m) * _corners_times(root.T))
        weights.append(np.full(m, total / m))
        counts.append(np.full(m, moments.sums.counts[part] / m))
        owners.append(np.full(m, part))
    every = np.concatenate(rows)
    X, y = np.asfortranarray(every[:, :-1]), every[:, -1].copy()
    return Points(X, y, np.concatenate(weights), np.concatenate(counts), np.concatenate(owners))


def _root(about: Float) -> Float:
    """L (q, r) with LLᵀ = ``about``, by Cholesky's way with pivots on the correlations; r is the rank, to rounding."""
    spread = np.sqrt(np.maximum(np.diag(about), 0.0))
    safe = np.where(spread > 0, spread, 1.0)
    correlations = about / np.multiply.outer(safe, safe)
    factor, pivots, rank, _ = scipy.linalg.lapack.dpstrf(correlations, lower=1, tol=len(about) * EPS)
    root = np.empty((len(about), rank))
    root[pivots - 1] = np.tril(factor)[:, :rank]
    return root * spread[:, None]


def _corners_times(rows: Float) -> Float:
    """U A for A (r, q): the rows of U (r + 1, r) are the corners uᵢ. U is a reflection that takes (1, …, 1)/√m to the first
    axis, without its first column, and is never written out."""
    m = len(rows) + 1
    v = np.full(m, 1.0 / np.sqrt(m))
    v[0] += 1.0  # away from cancellation
    v *= np.sqrt(2.0) / np.linalg.norm(v)
    padded = np.vstack([np.zeros((1, rows.shape[1])), rows])
    reflected: Float = padded - np.multiply.outer(v, v[1:] @ rows)
    return reflected
