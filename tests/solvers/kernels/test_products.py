"""Products with dense, sparse and grouped columns, in any units."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp

from taut.solvers._kernels.newton import into_units
from taut.solvers._kernels.screen import correlate_dense, correlate_sparse
from taut.solvers._kernels.sparse_products import add_sparse_columns, correlate_columns, sparse_products
from taut.solvers.groups.eigenbases import GroupBases


@pytest.mark.parametrize("half", [False, True])
def test_products_of_sparse_columns(half: bool) -> None:
    rng = np.random.default_rng(1)
    dense = rng.normal(size=(30, 9)) * (rng.random((30, 9)) < 0.3)
    row = rng.normal(size=30) * (rng.random(30) < 0.8)
    right = np.array([7, 0, 4])
    left = right if half else np.array([8, 1, 0, 5])
    at = np.full(9, left.size)
    at[left] = np.arange(left.size)
    by_column, by_row = sp.csc_array(dense), sp.csr_array(dense)
    out, sums = np.zeros((3, left.size + 1)), np.zeros(3)
    layouts = [(X.data, X.indices, X.indptr) for X in (by_column, by_row)]
    sparse_products(*layouts, right, at, row, half, out, sums)
    np.testing.assert_allclose(out[:, :-1], dense[:, right].T @ (row[:, None] * dense[:, left]), atol=1e-13)
    np.testing.assert_allclose(sums, row @ dense[:, right], atol=1e-13)


def test_sparse_columns_times_a_vector() -> None:
    rng = np.random.default_rng(2)
    dense = rng.normal(size=(30, 9)) * (rng.random((30, 9)) < 0.3)
    coef, residual, X = rng.normal(size=9) * (rng.random(9) < 0.5), rng.normal(size=30), sp.csc_array(dense)
    parts, eta, correlations = (X.data, X.indices, X.indptr), np.ones(30), np.empty(5)
    add_sparse_columns(parts, coef, eta)
    np.testing.assert_allclose(eta, 1.0 + dense @ coef, atol=1e-13)
    correlate_columns(parts, residual, 4, correlations)
    np.testing.assert_allclose(correlations, dense[:, 4:].T @ residual, atol=1e-13)


@pytest.mark.parametrize("centred", [True, False])
def test_products_in_units(centred: bool) -> None:
    """Of weighted columns, centred by their own weighted means or by given ones; a column that does not move is 0."""
    rng = np.random.default_rng(3)
    z, row, mean, inverse = rng.normal(size=(20, 4)) + 1.0, rng.random(20), rng.normal(size=4), rng.random(4)
    inverse[2] = 0.0
    left, right = np.array([0, 2, 3]), np.array([1, 0])
    product, sums = (z[:, left].T * row) @ z[:, right], row @ z
    total = row.sum() if centred else -row.sum()
    into_units(
        product, sums[left], sums[right], total, mean[left], mean[right], inverse[left], inverse[right]
    )
    x = (z - (sums / row.sum() if centred else mean)) * inverse
    np.testing.assert_allclose(product, (x[:, left].T * row) @ x[:, right], atol=1e-12)


def test_groups_in_their_bases() -> None:
    """H keeps its eigenvalues, the groups' own blocks become diagonal, and the way back undoes the way there."""
    rng = np.random.default_rng(4)
    A = rng.normal(size=(20, 6))
    H, bases, vector = A.T @ A, GroupBases(), rng.normal(size=6)
    bases.rotate(H, np.array([3, 3, 1, 0, 0, 0]))
    np.testing.assert_array_equal(bases.starts, [0, 2, 3, 6])
    np.testing.assert_allclose(np.linalg.eigvalsh(bases.turned), np.linalg.eigvalsh(H), rtol=1e-5)
    for start, stop in pairwise(bases.starts):
        block = bases.turned[start:stop, start:stop]
        np.testing.assert_allclose(block, np.diag(np.diag(block)), atol=1e-5)
    np.testing.assert_allclose(bases.turn_back(bases.turn(vector)), vector, atol=1e-14)
    np.testing.assert_allclose(bases.turned @ bases.turn(vector), bases.turn(H @ vector), atol=1e-4)


@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_screening_products(count: int) -> None:
    rng = np.random.default_rng(count)
    X, residuals = rng.normal(size=(50, 7)), rng.normal(size=(50, count))
    single, out = X.astype(np.float32), np.empty((count, 7), dtype=np.float32)
    columns, rows = np.ascontiguousarray(single.T), np.ascontiguousarray(residuals.T.astype(np.float32))
    correlate_dense(columns, rows, out)
    np.testing.assert_allclose(out, residuals.T @ X, atol=1e-4)
    sparse = sp.csc_array(X * (np.abs(X) > 0.8) * (np.arange(7) != 2))
    padded = np.zeros((50, 8 * (-(-count // 8))))
    padded[:, :count] = residuals
    for dtype, atol in ((np.float32, 1e-4), (np.float64, 1e-12)):
        found = np.empty((count, 7), dtype)
        correlate_sparse(
            sparse.data.astype(dtype), sparse.indices, sparse.indptr, padded.astype(dtype), found
        )
        np.testing.assert_allclose(found, residuals.T @ sparse, atol=atol)
