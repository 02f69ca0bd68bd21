"""Early stopping: where the held-out loss has clearly risen, at a place that follows from the solutions alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import taut
from taut.selection.data import Data
from taut.selection.early_stop import EXPLAINED, RUNNING, HeldOutStop
from taut.selection.folds import Folds
from taut.selection.held_out import HeldOutLoss
from taut.sklearn import LogisticRegressionCV
from taut.solvers import MemberPath, StoppingSolver, solver_for
from taut.types import Float


def stop_for(losses: Float, explained: Float, order: Any = None, stretch: int = 1) -> int | None:
    """Where paths end whose folds (K, L) have these held-out losses, shown in this order of (member, start)."""
    K, L = losses.shape
    data = Data(np.arange(float(K))[:, None], np.zeros(K), np.ones(K))
    folds = Folds((1 - np.eye(K)).astype(np.uint8), tuple(np.array([k]) for k in range(K)))
    stop = HeldOutStop(HeldOutLoss((taut.losses.SquaredError(),)), data, folds)
    whole = [explained, *losses]
    turns = [(m, i) for i in range(0, L, stretch) for m in range(K + 1)] if order is None else order
    for member, start in turns:
        part = np.asarray(whole[member][start : start + stretch], dtype=float)
        zeros = np.zeros((part.size, 1))
        # A model without slopes whose intercept is the root of the loss has that loss at y = 0.
        found = MemberPath(
            part, zeros, np.sqrt(part), zeros, 1.0 - part, part, (), np.zeros(part.size, dtype=np.intp), 1.0, 0.0
        )  # fmt: skip
        stop.see(member, found)
    return stop.end


def falling_then_rising(K: int, L: int, best: int, noise: float, seed: int = 0) -> Float:
    rng = np.random.default_rng(seed)
    curve = 1.0 + 0.05 * np.abs(np.arange(L) - best)
    return np.asarray(curve + noise * rng.standard_normal((K, 1)) + 1e-3 * rng.standard_normal((K, L)))


def test_paths_end_five_strengths_after_the_loss_has_clearly_risen() -> None:
    losses, little = falling_then_rising(10, 40, 20, 0.1), np.zeros(40)
    # Folds differ by far more than the curve moves, and it is the paired differences that count.
    assert stop_for(losses, little) == 20 + RUNNING + 1
    assert stop_for(losses[:, :25], little[:25]) is None
    assert stop_for(falling_then_rising(10, 40, 39, 0.1), little) is None


def test_with_fewer_than_ten_folds_two_standard_errors_are_asked_for() -> None:
    def with_error_of(share: float, K: int) -> Float:
        """Losses that exceed the first by 1 on average, with a standard error of 1/share."""
        spread = np.resize([1.0, -1.0], K) * np.sqrt(K - 1) / share
        return np.concatenate([np.full((K, 1), 50.0), np.repeat(51.0 + spread[:, None], 10, axis=1)], axis=1)

    little = np.zeros(11)
    assert stop_for(with_error_of(1.1, 10), little) == RUNNING + 1
    assert stop_for(with_error_of(0.9, 10), little) is None
    assert stop_for(with_error_of(1.9, 8), little) is None
    assert stop_for(with_error_of(2.1, 8), little) == RUNNING + 1


def test_what_is_explained_stops_no_path_whose_loss_still_falls() -> None:
    explained = np.full(40, EXPLAINED + 5e-4)
    falling = np.tile(np.geomspace(1.0, 0.01, 40), (10, 1))
    assert stop_for(falling, explained) is None
    level = np.concatenate([falling[:, :10], np.repeat(falling[:, 9:10], 30, axis=1)], axis=1)
    assert stop_for(level, explained) == 9 + RUNNING + 1
    assert stop_for(level, explained - 1e-3) is None


@pytest.mark.parametrize("seed", range(5))
def test_the_end_does_not_depend_on_who_comes_first(seed: int) -> None:
    losses, little = falling_then_rising(10, 40, 20, 0.1, seed), np.zeros(40)
    rng, left = np.random.default_rng(seed), dict.fromkeys(range(11), 0)
    order = []
    while left:
        member = int(rng.choice(list(left)))
        order.append((member, left[member]))
        left[member] += 4
        if left[member] == 40:
            del left[member]
    assert stop_for(losses, little, order, stretch=4) == stop_for(losses, little) == 20 + RUNNING + 1


def table(n: int = 120, p: int = 30, seed: int = 0) -> tuple[Float, Float]:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    return X, X[:, :3].sum(axis=1) + rng.standard_normal(n)


CASES: dict[str, tuple[int, dict[str, Any]]] = {
    "few rows and columns": (30, {"loss": "logistic"}),
    "classes": (30, {"loss": "multinomial"}),
    "softmax": (30, {"loss": "multinomial", "solver": "softmax"}),
    "working set": (400, {"loss": "logistic"}),
    "working set, squared": (400, {"loss": "squared"}),
    "groups": (30, {"loss": "squared", "penalty": taut.GroupLasso(1.0, groups=np.repeat(np.arange(10), 3))}),
    "newton": (30, {"loss": "poisson", "penalty": "elasticnet", "solver": "newton"}),
}


@pytest.mark.parametrize("case", CASES)
def test_paths_that_end_early_are_those_that_do_not(case: str) -> None:
    p, options = CASES[case]
    X, e = table(p=p)
    targets = {
        "logistic": e > 0,
        "multinomial": np.digitize(e, [-1, 1]),
        "squared": e,
        "poisson": np.exp(e / 2).round(),
    }
    y = targets[options["loss"]].astype(float)
    early = taut.cross_validate(X, y, random_state=0, **options)
    whole = taut.cross_validate(X, y, random_state=0, early_stop=False, **options)
    count = len(early.scores.lambdas)
    assert RUNNING < count < len(whole.scores.lambdas) == 100
    assert {len(path) for path in early.paths} == {count}
    assert not any(path.interrupted for path in early.paths)
    assert (early.scores.index_min, early.scores.index_1se) == (
        whole.scores.index_min,
        whole.scores.index_1se,
    )
    np.testing.assert_allclose(early.scores.mean, whole.scores.mean[:count], rtol=1e-10)
    for short, long in zip(early.paths, whole.paths, strict=True):
        np.testing.assert_allclose(short.coefs, long.coefs[:count], rtol=1e-9, atol=1e-12)
        assert all(certificate.met for certificate in short.certificates)


def test_only_a_number_of_strengths_judged_by_the_loss_ends_early() -> None:
    X, e = table()
    y, spec = (e > 0).astype(float), {"loss": "logistic", "random_state": 0}
    early = taut.cross_validate(X, y, **spec)
    assert len(early.scores.lambdas) < 100
    whole = taut.fit_path(X, y, loss="logistic")
    assert len(whole) == 100
    assert len(taut.cross_validate(X, y, lambdas=whole.lambdas, **spec).scores.lambdas) == 100
    assert len(taut.cross_validate(X, y, scoring="roc_auc", **spec).scores.lambdas) == 100
    assert len(taut.cross_validate(X, y, adaptive=1.0, **spec).scores.lambdas) == 100
    drop_in = LogisticRegressionCV(
        Cs=50, l1_ratios=(1.0,), solver="saga", cv=5, scoring="neg_log_loss", use_legacy_attributes=False
    ).fit(X, y)
    assert np.size(drop_in.Cs_) == 50


def test_estimators_end_early_unless_they_are_told_not_to() -> None:
    X, e = table()
    y = e > 0
    early, whole = (taut.Classifier(random_state=0, early_stop=early).fit(X, y) for early in (True, False))
    assert len(early.path_) < len(whole.path_) == 100
    assert early.lam_ == whole.lam_
    np.testing.assert_array_equal(early.coef_, whole.coef_)


def test_a_network_has_its_whole_grid_though_its_rival_has_not() -> None:
    X, e = table()
    y = e > 0
    options = {"hidden": (3,), "random_state": 0, "max_epochs": 1, "lambdas": 40, "fallback": "never"}
    early, whole = (taut.Classifier(early_stop=early, **options).fit(X, y) for early in (True, False))
    assert len(early.path_) == len(whole.path_) == 40
    np.testing.assert_allclose(early.path_.losses, whole.path_.losses, rtol=1e-6)


def test_engines_that_walk_member_by_member_know_of_no_end() -> None:
    X, e = table()
    problem = taut.path.PathSpec().linear_problem(X, e, np.full(len(e), 1 / len(e)))
    assert not isinstance(solver_for(problem), StoppingSolver)
    assert len(taut.cross_validate(X, e, random_state=0).scores.lambdas) == 100


def test_ctrl_c_before_the_end_leaves_what_is_finished() -> None:
    X, e = table()
    left = SimpleNamespace(count=200)

    def interrupt(done: int) -> None:
        left.count -= done
        if left.count < 0:
            raise KeyboardInterrupt

    found = taut.cross_validate(X, (e > 0).astype(float), loss="logistic", random_state=0, progress=interrupt)
    assert all(path.interrupted for path in found.paths)
    assert 0 < len(found.scores.lambdas) <= 20


def test_the_progress_counts_what_is_spared() -> None:
    X, e = table()
    for p, loss in ((30, "logistic"), (400, "logistic"), (30, "squared")):
        X, e = table(p=p)
        counted: list[int] = []
        y = (e > 0).astype(float)
        taut.cross_validate(X, y, cv=10, loss=loss, random_state=0, progress=counted.append)
        assert sum(counted) == 1_100
