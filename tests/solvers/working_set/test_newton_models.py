"""A quadratic model that is kept as a Hessian, and the same one entry by entry."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

import taut
from taut.solvers import as_matrix
from taut.solvers.working_set import likelihood_fold
from taut.solvers.working_set.columns import columns_of
from taut.solvers.working_set.fold import Standardization
from taut.solvers.working_set.newton_models import EntryModel, NewtonModel


@pytest.mark.parametrize("centred", [False, True])
def test_both_models_are_one_quadratic(centred: bool) -> None:
    rng = np.random.default_rng(0)
    X = sp.random_array((60, 25), density=0.2, rng=rng, format="csc")
    mean = np.asarray(X.mean(axis=0)).ravel() if centred else np.zeros(25)
    deviation = rng.uniform(0.5, 2.0, 25)
    columns = columns_of(as_matrix(X), np.zeros(25), np.ones(25), deviation)
    columns.add(rng.permutation(25)[:18])
    seen, row = Standardization(mean, deviation, np.arange(25) != columns.used[3]), rng.uniform(0.1, 1.0, 60)
    index = np.array([1, 3, 4, 9, 12])
    kept = NewtonModel(columns, seen, centred)
    assert kept.cover(index, lambda: row)
    parts = columns.entries
    assert parts is not None
    entries = EntryModel(columns, parts, seen, centred, index, row)
    part, start = rng.standard_normal(5), rng.standard_normal(5)
    part[1] = start[1] = 0.0
    np.testing.assert_allclose(entries.curved(part), kept.curved(part), atol=1e-12)
    c = kept.curved(part) + start
    terms = np.stack([np.full(5, 0.3), np.full(5, 0.1), np.full(5, -np.inf), np.full(5, np.inf)])
    bb = float(c @ np.linalg.pinv(kept.H) @ c)
    found = [
        model.minimise(part, start, c, bb, terms, 0.0, np.inf, 1e-13, 5_000)[0] for model in (kept, entries)
    ]
    np.testing.assert_allclose(found[1], found[0], atol=1e-6)


def test_a_path_is_the_same_whichever_way_its_models_are_descended_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(1)
    X = sp.random_array((150, 400), density=0.05, rng=rng, format="csr")
    y = (X[:, :5].sum(axis=1) + 0.3 * rng.standard_normal(150) > 0.2).astype(float)
    paths = []
    for short in (0, likelihood_fold._SHORT, 10**9):
        monkeypatch.setattr(likelihood_fold, "_SHORT", short)
        paths.append(taut.fit_path(X, y, loss="logistic", lambdas=40, tol=1e-10))
    for path in paths:
        assert all(certificate.met for certificate in path.certificates)
        np.testing.assert_allclose(path.objectives, paths[0].objectives, rtol=1e-9)
