"""λ = 0: the solution without a penalty, and what has none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.optimize
from sklearn.linear_model import LogisticRegression, PoissonRegressor

import taut
from taut.losses import Huber, Logistic, Loss, Multinomial, Poisson, SquaredError
from taut.penalties import L1
from taut.solvers.base import Measure
from tests.solvers.problems import Float, response, table


class TestWithoutPenalty:
    """λ = 0 against numpy's least squares, scikit-learn's unpenalised fits and scipy."""

    def test_least_squares(self) -> None:
        X, y, s = table(7)
        path = taut.fit_path(X, y, sample_weight=s, lambdas=[0.1, 0.0])
        A = np.column_stack([np.ones(60), X]) * np.sqrt(s)[:, None]
        reference = np.linalg.lstsq(A, y * np.sqrt(s), rcond=None)[0]
        np.testing.assert_allclose(np.append(path.intercepts[-1], path.coefs[-1]), reference, atol=1e-12)
        assert path.certificates[-1] == replace(path.certificates[-1], measure=Measure.GRADIENT_NORM, note="")
        assert path.certificates[-1].value < 1e-13

    def test_several_outputs(self) -> None:
        X, y, _ = table(7)
        Y = np.column_stack([y, 3.0 * X[:, 1] + 1e6, np.arange(60.0)])
        path = taut.fit_path(X, Y, lambdas=[0.0])
        reference = np.linalg.lstsq(np.column_stack([np.ones(60), X]), Y, rcond=None)[0]
        np.testing.assert_allclose(path.coefs[0], reference[1:], atol=1e-8)

    @pytest.mark.parametrize("loss", [Logistic(), Multinomial()], ids=repr)
    def test_logistic_regression(self, loss: Loss) -> None:
        X, eta, s = table(8, 200, 4)
        y = response(loss, eta)
        path = taut.fit_path(X, y, loss=loss, sample_weight=s, lambdas=[0.1, 0.0])
        model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=100_000).fit(X, y, s)
        ours, theirs = path.coefs[-1].T.reshape(model.coef_.shape), model.coef_
        np.testing.assert_allclose(
            ours - ours.mean(axis=0) * (len(theirs) > 1),
            theirs - theirs.mean(axis=0) * (len(theirs) > 1),
            atol=1e-5,
        )
        if isinstance(loss, Multinomial):
            np.testing.assert_allclose(ours.sum(axis=0), 0.0, atol=1e-9)
        assert not path.certificates[-1].note

    def test_poisson_regression(self) -> None:
        X, eta, s = table(9)
        y = response(Poisson(), eta)
        path = taut.fit_path(X, y, loss="poisson", sample_weight=s, lambdas=[0.0])
        model = PoissonRegressor(alpha=0.0, tol=1e-12, max_iter=10_000, solver="newton-cholesky").fit(X, y, s)
        np.testing.assert_allclose(path.coefs[0], model.coef_, atol=1e-8)

    def test_huber(self) -> None:
        X, y, _ = table(10)
        loss = Huber(0.7)
        path = taut.fit_path(X, y, loss=loss, lambdas=[0.0], standardize=False)
        A = np.column_stack([np.ones(60), X])

        def objective(t: Float) -> tuple[float, Float]:
            return float(np.mean(loss.pointwise(A @ t, y))), A.T @ np.asarray(loss.derivative(A @ t, y)) / 60

        found = scipy.optimize.minimize(objective, np.zeros(9), jac=True, options={"gtol": 1e-10})
        np.testing.assert_allclose(np.append(path.intercepts[0], path.coefs[0]), found.x, atol=1e-6)

    @pytest.mark.parametrize("loss", [SquaredError(), Logistic(), Poisson(), Huber()], ids=repr)
    def test_dependent_columns_are_not_unique(self, loss: Loss) -> None:
        X, eta, _ = table(11)
        for extra in (X[:, :1], X[:, :1] + X[:, 1:2], np.ones((60, 1))):
            path = taut.fit_path(
                np.column_stack([X, extra]), response(loss, eta), loss=loss, lambdas=[0.1, 0.0]
            )
            assert path.certificates[-1].note.startswith("not unique")
            assert path.certificates[-1].met
            assert not path.certificates[0].note

    def test_the_solution_of_least_norm_is_taken(self) -> None:
        X, y, _ = table(12, 20, 40)
        path = taut.fit_path(X, y, lambdas=[0.0], standardize=False, fit_intercept=False)
        np.testing.assert_allclose(path.coefs[0], np.linalg.pinv(X) @ y, atol=1e-10)
        assert path.certificates[0].note.startswith("not unique")

    @pytest.mark.parametrize("classes", [2, 3])
    def test_separated_classes_have_no_fit(self, classes: int) -> None:
        X, _, _ = table(13)
        y = np.digitize(X[:, 0], [0.0] if classes == 2 else [-0.5, 0.5]).astype(float)
        path = taut.fit_path(
            X, y, loss="logistic" if classes == 2 else "multinomial", lambdas=[0.1, 1e-3, 0.0]
        )
        assert path.certificates[-1].note.startswith("does not exist")
        assert all(c.met and not c.note for c in path.certificates[:2])

    def test_partly_separated_classes_have_no_fit(self) -> None:
        X, eta, _ = table(14)
        y = response(Logistic(), eta)
        X[:, 3], y[:6] = np.arange(60) < 6, 1.0
        path = taut.fit_path(X, y, loss="logistic", lambdas=[0.0])
        assert path.certificates[0].note.startswith("does not exist")

    def test_a_column_of_zero_counts_has_no_fit(self) -> None:
        X, eta, _ = table(15)
        y = response(Poisson(), eta)
        X[:, 3], y[:6] = np.arange(60) < 6, 0.0
        path = taut.fit_path(X, y, loss="poisson", lambdas=[0.0])
        assert path.certificates[0].note.startswith("does not exist")

    def test_a_row_far_out_is_no_separation(self) -> None:
        """|η| = 300 in one row, and a finite maximum of the likelihood."""
        X, eta, _ = table(16)
        y = response(Logistic(), eta)
        X[0, 0], y[0] = 500.0, 1.0
        path = taut.fit_path(X, y, loss="logistic", lambdas=[0.0])
        model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=100_000).fit(X, y)
        assert not path.certificates[0].note
        np.testing.assert_allclose(path.coefs[0], model.coef_[0], atol=1e-4)

    def test_notes_of_unpenalised_columns_hold_at_every_strength(self) -> None:
        X, eta, _ = table(17)
        X[:, 1] = X[:, 0]
        penalty = L1(factors=[0, 0, 1, 1, 1, 1, 1, 1])
        for loss in (SquaredError(), Logistic()):
            path = taut.fit_path(X, response(loss, eta), loss=loss, penalty=penalty, lambdas=3)
            assert all(c.met and c.note.startswith("not unique") for c in path.certificates)
        separating = (X[:, 0] > 0).astype(float)
        path = taut.fit_path(
            X, separating, loss="logistic", penalty=L1(factors=[0, *[1] * 7]), lambdas=[0.1, 0.01]
        )
        assert all(c.note.startswith("does not exist") for c in path.certificates)
