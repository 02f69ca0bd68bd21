"""Streamed path: ``taut.stream_path``, a logistic path of rows that no memory holds, in a few passes over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from taut.design import Overrides
from taut.estimators import as_penalties
from taut.penalties import Penalty
from taut.streaming import Assignment, MomentsRequest, StreamedPath, is_distributed, source_of, stream
from taut.tabular.making_moments import names_of


def stream_path(
    source: Any,
    target: str,
    folds: int = 10,
    *,
    loss: str = "logistic",
    penalty: str | Penalty = "l1",
    l1_ratio: float = 0.5,
    lambdas: int = 100,
    tol: float = 1e-6,
    passes: int = 8,
    test_size: float = 0.2,
    seed: int = 0,
    weights: str | None = None,
    groups: str | None = None,
    categorical: str | Sequence[str] = (),
    numeric: str | Sequence[str] = (),
    drop: str | Sequence[str] = (),
    keep: str | Sequence[str] = (),
) -> StreamedPath:
    """Fit a logistic or Poisson path to rows that no memory holds: all λ and all folds in a few passes over them.

    The first pass learns the preparation as ``taut.moments`` does, the second takes moments, from which λ_max, scales and
    null models follow exactly, and a sample of 200 rows a column, half of them of each class (of zeros and of others). Its
    path is then corrected in each further pass by the exact gradients of all λ and all folds, with the sample's Hessians
    and, at twelve λ, those of all rows. Every λ has a duality gap, bounded from sums of the same pass.

    Parameters
    ----------
    source : as for ``taut.moments``, but for Dask; it is read several times.
    target : a column of 0 and 1, or of truth values; counts for ``"poisson"``.
    folds, test_size, seed, weights, groups, categorical, numeric, drop, keep : as for ``taut.moments``.
    loss : ``"logistic"`` or ``"poisson"``.
    penalty, l1_ratio : ``"l1"``, ``"elasticnet"`` with its share of L1, or such a ``Penalty``.
    lambdas : how many strengths.
    tol : gaps, relative to the null loss, at which passes end.
    passes : most passes; what is not certified by then says so in its certificate.

    Returns a ``StreamedPath``. Raises ``DataError`` for rows that cannot be used.

    Lee, Sun and Saunders, *Proximal Newton-type methods* (SIAM J. Optim. 24:1420, 2014).
    """
    if is_distributed(source):
        raise ValueError("source: paths of several passes read files and frames of this machine")
    assignment = Assignment(folds, test_size, seed, groups)
    assignment.check()
    said = Overrides(*map(names_of, (categorical, numeric, drop, keep)))
    asked = MomentsRequest(target, "regression", assignment, weights, said)
    return stream(source_of(source), asked, loss, as_penalties(penalty, l1_ratio)[0], lambdas, tol, passes)
