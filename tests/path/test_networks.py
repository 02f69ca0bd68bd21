"""Paths of networks: where they end, what they are never worse than, and what compaction must not change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes
from sklearn.neural_network import MLPRegressor

from taut.losses import Huber, Logistic, Loss, Multinomial, Poisson, SquaredError
from taut.network import Network, Params
from taut.path import PathSpec, fit_linear, fit_path, fit_paths
from taut.path.compaction import compact
from taut.path.network import NetworkPath
from taut.penalties import L1, L2, MCP, ElasticNet, GroupLasso, Penalty
from taut.solvers.base import Measure
from taut.solvers.networks.settings import Training

Float = NDArray[np.float64]
QUICK = Training(max_epochs=8, finish_iterations=40)


def data(loss: Loss, n: int = 90, p: int = 6) -> tuple[Float, Float]:
    rng = np.random.default_rng(0)
    X = 3 + 2 * rng.normal(size=(n, p))
    score = np.abs(X[:, 0] - 3) + 0.5 * X[:, 1] + 0.3 * rng.normal(size=n)
    if isinstance(loss, Logistic):
        return X, (score > np.median(score)).astype(float)
    if isinstance(loss, Multinomial):
        return X, np.digitize(score, np.quantile(score, [0.3, 0.7])).astype(float)
    if isinstance(loss, Poisson):
        return X, rng.poisson(np.exp(0.4 * score)).astype(float)
    return X, 10 + 5 * score


def paths(loss: Loss, weights: Float | None = None, lambdas: Any = 8, **options: Any) -> list[NetworkPath]:
    X, y = data(loss)
    spec = PathSpec(loss, hidden=(8,), random_state=0, training=QUICK)
    found = fit_paths(
        replace(spec, **options), X, y, np.ones((1, len(y))) if weights is None else weights, lambdas
    )
    assert all(isinstance(path, NetworkPath) for path in found)
    return found  # type: ignore[return-value]


LOSSES = [SquaredError(), Logistic(), Multinomial(), Poisson(), Huber()]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("skip", [True, False])
def test_the_path_ends_in_the_null_model(loss: Loss, skip: bool) -> None:
    path = paths(loss, skip=skip)[0]
    assert (np.diff(path.lambdas) < 0).all()
    assert path.nonzeros[0] == 0
    assert path.losses[0] == pytest.approx(path.null_loss, rel=1e-9)
    assert path.deviance_explained[0] == pytest.approx(0, abs=1e-9)
    X, y = data(loss)
    center, scale = (y.mean(), y.std()) if isinstance(loss, SquaredError | Huber) else (0.0, 1.0)
    null = np.asarray(loss.inverse_link(center + scale * loss.null((y - center) / scale)))
    np.testing.assert_allclose(
        path.predict_at(X, 0), np.broadcast_to(null, path.predict_at(X, 0).shape), rtol=1e-6
    )


@pytest.mark.parametrize("penalty", [L1(), ElasticNet(1.0, 0.5, 0.25), MCP(), GroupLasso()])
@pytest.mark.parametrize("loss", [SquaredError(), Multinomial()])
def test_no_strength_is_worse_than_the_linear_solution(loss: Loss, penalty: Penalty) -> None:
    path = paths(loss, penalty=penalty)[0]
    X, y = data(loss)
    linear = fit_linear(PathSpec(loss, penalty), X, y, np.ones((1, len(y))), path.lambdas)[0]
    assert (path.objectives <= linear.objectives * (1 + 1e-9) + 1e-12).all()
    assert (
        path.objectives[-1] < 0.9 * linear.objectives[-1]
    )  # |x| is not linear, and the network must find it
    assert path.linear[0]
    assert not path.linear[-1]


def test_where_the_linear_solution_wins_the_network_is_it() -> None:
    path = paths(SquaredError())[0]
    X, y = data(SquaredError())
    linear = fit_linear(PathSpec(SquaredError()), X, y, np.ones((1, len(y))), path.lambdas)[0]
    for index in np.flatnonzero(path.linear).tolist():
        skip = path.params_at(index).skip
        assert skip is not None
        np.testing.assert_allclose(skip[0, :, 0], linear.coefs[index], atol=1e-12)
        np.testing.assert_allclose(path.decision_at(X, index), linear.decision_at(X, index), rtol=1e-10)
        assert path.certificates[index].measure is Measure.DUALITY_GAP
        assert (path.live_neurons[index] == 0).all()


def test_the_objective_is_that_of_the_parameters() -> None:
    """The two terms of F, computed again from the parameters in the units of the data."""
    path = paths(SquaredError(), penalty=ElasticNet(1.0, 0.5, 0.25))[0]
    X, y = data(SquaredError())
    for index, lam in enumerate(path.lambdas):
        loss = np.mean((path.predict_at(X, index) - y) ** 2) / np.var(y)
        assert path.losses[index] == pytest.approx(loss, rel=1e-9)
        params = path.params[index]
        assert params.skip is not None
        weights = np.concatenate([w.ravel() for w in (*params.weights, params.skip)])
        omega = lam * (0.5 * np.abs(weights).sum() + 0.25 * (weights**2).sum())
        assert path.penalties[index] == pytest.approx(omega, rel=1e-9)


def test_the_objective_falls_with_lambda_and_certificates_name_their_measure() -> None:
    path = paths(Logistic())[0]
    assert path.objectives[-1] < path.objectives[0]
    for linear, certificate in zip(path.linear, path.certificates, strict=True):
        assert (certificate.measure is Measure.STATIONARITY) != linear
        assert np.isfinite(certificate.value)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_objective_never_falls_as_lambda_grows(loss: Loss) -> None:
    """Few epochs at a high rate, so that single strengths end badly, also between strengths close to each other."""
    rough = Training(max_epochs=2, learning_rate=0.05, finish_iterations=3)
    path = paths(loss, lambdas=20, training=rough)[0]
    assert (np.diff(path.objectives) <= 1e-6 * path.objectives[1:]).all()


def test_known_linear_paths_are_not_solved_again(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = data(Logistic())
    spec, weights = PathSpec(Logistic(), hidden=(8,), random_state=0, training=QUICK), folds(len(y))
    linear = fit_linear(spec, X, y, weights, 8)
    own = fit_paths(spec, X, y, weights, 8)

    def never(*_: object) -> None:
        raise AssertionError("a linear path was solved")

    monkeypatch.setattr("taut.path.network_fit.fit_linear", never)
    shared = fit_paths(spec, X, y, weights, 8, linear=linear)
    for a, b in zip(own, shared, strict=True):
        np.testing.assert_array_equal(a.lambdas, b.lambdas)
        np.testing.assert_array_equal(a.linear, b.linear)
        np.testing.assert_allclose(a.objectives, b.objectives, rtol=1e-6)


def folds(n: int) -> Float:
    weights = np.ones((3, n))
    weights[1, ::3] = 0
    weights[2, 1::3] = 0
    return weights


def test_a_stack_is_its_members_one_by_one() -> None:
    n = len(data(Logistic())[1])
    weights, lambdas = folds(n), [0.05, 0.01, 0.002]
    together = paths(Logistic(), weights, lambdas)
    for weight, path in zip(weights, together, strict=True):
        alone = paths(Logistic(), weight[None], lambdas)[0]
        np.testing.assert_array_equal(alone.linear, path.linear)
        np.testing.assert_allclose(
            alone.objectives, path.objectives, rtol=1e-6
        )  # the linear engine's tolerance
        for index in np.flatnonzero(~path.linear).tolist():
            for a, b in zip(alone.params[index].arrays, path.params[index].arrays, strict=True):
                np.testing.assert_array_equal(a, b)


def test_rows_without_weight_teach_nothing() -> None:
    X, y = data(Logistic())
    weights = folds(len(y))[1:2]
    held = weights[0] == 0
    spec = PathSpec(Logistic(), hidden=(8,), random_state=0, training=QUICK)
    changed_X, changed_y = X.copy(), y.copy()
    changed_X[held], changed_y[held] = changed_X[held][:, ::-1], 1 - y[held]
    one = fit_paths(spec, X, y, weights, [0.05, 0.01])[0]
    other = fit_paths(spec, changed_X, changed_y, weights, [0.05, 0.01])[0]
    # Not to the last bit: all rows together set the scale in which X is stored in float32.
    np.testing.assert_allclose(one.objectives, other.objectives, rtol=1e-4)


def test_the_same_random_state_gives_the_same_path() -> None:
    one, two = paths(Multinomial())[0], paths(Multinomial())[0]
    other = paths(Multinomial(), random_state=1)[0]
    np.testing.assert_array_equal(one.objectives, two.objectives)
    np.testing.assert_array_equal(one.params[-1].weights[0], two.params[-1].weights[0])
    assert one.objectives[-1] != other.objectives[-1]


def test_strengths_off_the_grid_are_refused_with_the_nearest() -> None:
    path = paths(SquaredError(), lambdas=[0.1, 0.05, 0.02])[0]
    X, _ = data(SquaredError())
    np.testing.assert_array_equal(path.predict(X, 0.05), path.predict_at(X, 1))
    with pytest.raises(ValueError, match=r"0\.05 and 0\.02"):
        path.predict(X, 0.04)


def test_wrong_columns_are_refused() -> None:
    path = paths(SquaredError(), lambdas=[0.1])[0]
    with pytest.raises(ValueError, match="5 columns, the path was fitted on 6"):
        path.predict(np.ones((3, 5)), 0.1)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "gelu"])
@pytest.mark.parametrize("penalty", [L1(), GroupLasso()])
def test_compaction_keeps_every_prediction(activation: str, penalty: Penalty) -> None:
    path = paths(Multinomial(), hidden=(8, 5), activation=activation, penalty=penalty)[0]
    X, _ = data(Multinomial())
    sizes = []
    for index in range(len(path)):
        small = path.compact(index)
        np.testing.assert_allclose(small.decision(X), path.decision_at(X, index), rtol=1e-9, atol=1e-9)
        assert list(small.network.hidden) == path.live_neurons[index].tolist()
        assert small.inputs.tolist() == np.flatnonzero(path.kept_inputs[index]).tolist()
        sizes.append(sum(a.size for a in small.params.arrays))
    assert sizes[0] == 3  # three intercepts
    assert sizes[0] < sizes[-1]


def test_compaction_folds_constants_and_drops_what_reaches_nothing() -> None:
    network = Network((3, 2), "sigmoid", skip=True)
    rng = np.random.default_rng(0)
    params = network.init(4, 2, rng).map(lambda a: a + rng.normal(size=a.shape))
    first, second, last = (w.copy() for w in params.weights)
    first[0, :, 1] = 0  # neuron 1 of layer 1 is a constant
    second[0, 2, :] = 0  # neuron 2 of layer 1 reaches nothing
    last[0, 0, :] = 0  # neither does neuron 0 of layer 2
    assert params.skip is not None
    skip = params.skip.copy()
    first[0, 3], skip[0, 3] = 0, 0  # input 3 is not read
    params = Params((first, second, last), params.biases, skip)
    small = compact(network, params)
    assert small.network.hidden == (1, 1)
    assert small.inputs.tolist() == [0, 1, 2]
    X = rng.normal(size=(10, 4))
    np.testing.assert_allclose(small.decision(X), network.forward(params, X)[0][0], rtol=1e-12)


def test_a_long_finish_leaves_a_small_residual() -> None:
    X, y = data(Logistic())
    options: dict[str, Any] = {
        "loss": "logistic",
        "hidden": (8,),
        "activation": "tanh",
        "lambdas": 8,
        "random_state": 0,
    }
    short, long = (fit_path(X, y, finish_iterations=most, **options) for most in (0, 500))
    residuals = [[c.value for c in path.certificates] for path in (short, long)]
    assert max(residuals[1]) < 1e-3
    assert max(residuals[1]) < 0.1 * max(residuals[0])


def test_restarts_keep_the_lowest_objective_at_every_strength() -> None:
    X, y = data(Logistic())
    spec = PathSpec(Logistic(), hidden=(4,), random_state=0, training=QUICK)
    counted: list[int] = []
    several = replace(spec, training=replace(QUICK, restarts=3))
    weights = folds(len(y))
    one = fit_paths(spec, X, y, weights, 6)
    best = fit_paths(several, X, y, weights, 6, progress=counted.append)
    for a, b in zip(one, best, strict=True):
        assert (b.objectives <= a.objectives * (1 + 1e-9)).all()
        assert (np.diff(b.objectives) <= 1e-6 * b.objectives[1:]).all()
    assert sum(b.objectives[-1] < a.objectives[-1] for a, b in zip(one, best, strict=True)) > 0
    assert sum(counted) == 18


def test_several_outputs_and_huge_units() -> None:
    X, y = data(SquaredError())
    Y = np.c_[1e6 + 1e3 * y, 1e-3 * y**2]
    path = fit_path(1e4 * X, Y, hidden=(8,), lambdas=6, random_state=0, max_epochs=8)
    predicted = path.predict_at(1e4 * X, len(path) - 1)
    assert predicted.shape == Y.shape
    assert (((predicted - Y) ** 2).mean(axis=0) < 0.3 * Y.var(axis=0)).all()


def test_offset_and_weights_enter_the_linear_part() -> None:
    X, y = data(Poisson())
    exposure = np.random.default_rng(1).uniform(0.5, 3, len(y))
    weight = np.random.default_rng(2).integers(1, 4, len(y)).astype(float)
    spec = PathSpec(Poisson(), hidden=(6,), random_state=0, training=QUICK)
    path = fit_paths(spec, X, y, weight[None], 5, np.log(exposure))[0]
    mean = path.predict_at(X, 0, np.log(exposure))
    np.testing.assert_allclose(mean, exposure * (weight @ y) / (weight @ exposure), rtol=1e-6)
    with pytest.raises(ValueError, match="fitted with an offset"):
        path.predict_at(X, 0)
    last = path.predict_at(X, len(path) - 1, np.log(exposure))
    deviance = weight @ (last - y * np.log(last)) / weight.sum()
    assert deviance == pytest.approx(path.losses[-1], rel=1e-9)


def test_penalised_biases_count_and_vanish() -> None:
    free = paths(SquaredError(), lambdas=[0.02], fit_intercept=False)[0]
    assert free.params[0].biases[-1].item() == 0.0
    path = paths(SquaredError(), lambdas=[10.0, 0.02], penalize_biases=True)[0]
    assert all((b == 0).all() for b in path.params[0].biases)
    params = path.params[1]
    assert params.skip is not None
    total = sum(np.abs(a).sum() for a in params.arrays)
    assert path.penalties[1] == pytest.approx(0.02 * total, rel=1e-9)


def test_no_penalty_at_all_is_allowed() -> None:
    path = paths(SquaredError(), lambdas=[0.1, 0.0])[0]
    assert path.penalties[1] == 0
    assert path.losses[1] <= path.losses[0]


def test_progress_counts_every_pair() -> None:
    X, y = data(SquaredError())
    counted: list[int] = []
    spec = PathSpec(hidden=(4,), random_state=0, training=QUICK)
    fit_paths(spec, X, y, folds(len(y)), [0.1, 0.05], progress=counted.append)
    assert sum(counted) == 6


def test_an_interrupt_keeps_the_finished_strengths() -> None:
    X, y = data(SquaredError())
    calls = 0

    def progress(k: int) -> None:
        nonlocal calls
        calls += k
        if calls == 2:
            raise KeyboardInterrupt

    spec = PathSpec(hidden=(4,), random_state=0, training=QUICK)
    path = fit_paths(spec, X, y, np.ones((1, len(y))), [0.2, 0.1, 0.05], progress=progress)[0]
    assert path.interrupted
    np.testing.assert_array_equal(path.lambdas, [0.1, 0.05])
    assert path.predict(X, 0.05).shape == y.shape


def test_the_objective_matches_what_scikit_learn_reaches() -> None:
    """The same L2-penalised objective (biases free), where their lbfgs solver may take its time."""
    X, y = load_diabetes(return_X_y=True)
    X, y = (X - X.mean(0)) / X.std(0), (y - y.mean()) / y.std()
    lam = 0.01
    training = Training(finish_iterations=500)
    spec = PathSpec(
        SquaredError(), L2(), (16,), skip=False, activation="tanh", random_state=0, training=training
    )
    path = fit_paths(spec, X, y, np.ones((1, len(y))), [lam])[0]
    best = min(_mlp_objective(X, y, lam, seed) for seed in range(2))
    assert path.objectives[0] <= best * 1.02


def _mlp_objective(X: Float, y: Float, lam: float, seed: int) -> float:
    """Twice their objective ½ mean r² + ½ alpha Σw²/n at alpha = nλ."""
    n = len(y)
    model = MLPRegressor(
        hidden_layer_sizes=(16,), solver="lbfgs", alpha=n * lam, max_iter=2000, tol=1e-8, random_state=seed
    )
    model.set_params(activation="tanh").fit(X, y)
    weights = sum(float((w**2).sum()) for w in model.coefs_)
    return float(np.mean((model.predict(X) - y) ** 2)) + lam * weights


@pytest.mark.parametrize("penalize_biases", [False, True], ids=["biases free", "biases penalised"])
@pytest.mark.parametrize("loss", [SquaredError(), Logistic(), Multinomial()], ids=repr)
def test_without_a_skip_the_rival_is_the_best_constant(loss: Loss, penalize_biases: bool) -> None:
    """At every strength it is the constant of that strength, which a penalty on biases moves."""
    rng = np.random.default_rng(0)
    X, score = rng.normal(size=(200, 4)), rng.random(200)
    cuts = [0.9, 0.95] if isinstance(loss, Multinomial) else [0.9]
    y = score if isinstance(loss, SquaredError) else np.digitize(score, cuts)
    spec = PathSpec(
        loss, L1(), (4,), skip=False, random_state=0, training=QUICK, penalize_biases=penalize_biases
    )
    lambdas, ones = (
        np.array([0.4, 0.3, 0.2]) * (3.0 if isinstance(loss, SquaredError) else 1.0),
        np.ones((1, 200)),
    )
    [path], [linear] = fit_paths(spec, X, y, ones, lambdas), fit_linear(spec.linear, X, y, ones, lambdas)
    assert not linear.coefs.any()
    assert len(set(linear.objectives.round(9))) == (
        3 if penalize_biases and not isinstance(loss, SquaredError) else 1
    )
    assert path.objectives == pytest.approx(linear.objectives, rel=1e-5)
    assert all(each.met and each.measure is Measure.DUALITY_GAP for each in path.certificates)
