"""A penalty for every layer along a path of networks: the total is that of ``Objective``, zeros come where they are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

import taut
from taut.losses import Logistic, SquaredError
from taut.network import Params
from taut.objective import Objective, PerLayer
from taut.path import PathSpec, fit_linear, fit_path, fit_paths
from taut.path.network import NetworkPath
from taut.penalties import L1, L2, MCP, ElasticNet, GroupLasso, NeuronLasso, Penalty
from taut.solvers.networks.settings import Training

Float = NDArray[np.float64]
QUICK = Training(max_epochs=10, finish_iterations=40)


def data(n: int = 120, p: int = 6) -> tuple[Float, Float]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, p))
    return X, np.abs(X[:, 0]) * 2 + 0.5 * X[:, 1] + 0.1 * rng.normal(size=n)


def path_of(penalty: Penalty = L1(), lambdas: Any = 8, **options: Any) -> NetworkPath:  # noqa: B008
    X, y = data()
    spec = PathSpec(
        SquaredError(), penalty, (8,), random_state=0, training=QUICK, standardize=False, **options
    )
    found = fit_paths(spec, X, y, np.ones((1, len(y))), lambdas)[0]
    assert isinstance(found, NetworkPath)
    return found


CASES: list[tuple[Penalty, PerLayer, PerLayer]] = [
    (L1(), [L1(), L2(0.5)], None),
    (L1(), [GroupLasso(), L2()], [L1(0.5), None]),
    (L1(), [NeuronLasso(), None], None),
    (GroupLasso(), [L1(2.0), ElasticNet(1.0, 0.5, 0.25)], None),
    (L2(0.5), None, [L2(), L2(0.5)]),
    (L1(), MCP(2.0), None),
]
in_every_case = pytest.mark.parametrize(("penalty", "layers", "biases"), CASES)


@pytest.mark.sampled(3)
@in_every_case
def test_the_two_terms_are_those_of_the_objective(
    penalty: Penalty, layers: PerLayer, biases: PerLayer
) -> None:
    """Computed anew, layer by layer, at the parameters of every λ, which are those for centred columns."""
    X, y = data()
    path = path_of(penalty, layer_penalties=layers, bias_penalties=biases)
    X, y = X - path.units.center, y - path.units.y_center
    assert not path.linear[-1]
    for index, lam in enumerate(path.lambdas.tolist()):
        weights = at(lam, penalty if layers is None else layers)
        objective = Objective(SquaredError(), path.network, weights, at(lam, biases), skip=lam * penalty)
        terms = objective.forward(path.params[index], X, y)
        assert path.losses[index] == pytest.approx(terms.data, rel=1e-9)
        assert path.penalties[index] == pytest.approx(terms.penalty, rel=1e-9, abs=1e-12)


def at(lam: float, given: PerLayer) -> PerLayer:
    if given is None or isinstance(given, Penalty):
        return given if given is None else lam * given
    return [None if shape is None else lam * shape for shape in given]


@pytest.mark.sampled(3)
@in_every_case
def test_no_strength_is_worse_than_the_linear_solution(
    penalty: Penalty, layers: PerLayer, biases: PerLayer
) -> None:
    X, y = data()
    path = path_of(penalty, layer_penalties=layers, bias_penalties=biases)
    inside = PathSpec(
        SquaredError(), penalty, standardize=False, penalize_biases=biases is not None and penalty == L2(0.5)
    )
    linear = fit_linear(inside, X, y, np.ones((1, len(y))), path.lambdas)[0]
    assert (path.objectives <= linear.objectives * (1 + 1e-9) + 1e-12).all()
    assert path.objectives[-1] < 0.9 * linear.objectives[-1]
    assert (np.diff(path.objectives) <= 1e-9 * path.objectives[1:]).all()


def params_of(path: NetworkPath) -> list[Params]:
    return [params for params, linear in zip(path.params, path.linear, strict=True) if not linear]


def test_zeros_come_layer_by_layer_where_they_are_asked_for() -> None:
    """Whole inputs by the group lasso, whole neurons by their incoming weights, single weights by L1, none by L2."""
    grid = np.geomspace(0.02, 0.002, 6)
    groups = params_of(path_of(lambdas=grid, layer_penalties=[GroupLasso(), L2()]))
    rows = [(p.weights[0][0] != 0).any(axis=1) for p in groups]
    assert any(0 < row.sum() < 6 for row in rows)
    assert all(
        (p.weights[0][0][row] != 0).mean() > 0.5 for p, row in zip(groups, rows, strict=True) if row.any()
    )
    neurons = params_of(path_of(lambdas=grid, layer_penalties=[NeuronLasso(), L2()]))
    columns = [(p.weights[0][0] != 0).any(axis=0) for p in neurons]
    assert any(0 < column.sum() < 8 for column in columns)
    assert all((p.weights[0][0][:, column] != 0).all() for p, column in zip(neurons, columns, strict=True))
    single = params_of(path_of(lambdas=grid, layer_penalties=[L1(), L2()]))
    first = single[0].weights[0][0]
    assert 0 < (first == 0).mean() < 1
    free = params_of(path_of(lambdas=grid, layer_penalties=[None, None]))
    assert all((w != 0).all() for p in free for w in p.weights)


def test_the_same_penalty_on_every_layer_is_that_penalty() -> None:
    """To the last bit, whether it is named once or layer by layer."""
    plain = path_of(L1())
    for layers in (L1(), [L1(), L1()]):
        other = path_of(L1(), layer_penalties=layers)
        np.testing.assert_array_equal(plain.objectives, other.objectives)
        for a, b in zip(plain.params, other.params, strict=True):
            for mine, theirs in zip(a.arrays, b.arrays, strict=True):
                np.testing.assert_array_equal(mine, theirs)
    group = path_of(GroupLasso())
    joint = path_of(GroupLasso(), layer_penalties=[GroupLasso(), GroupLasso()])
    np.testing.assert_array_equal(group.objectives, joint.objectives)


def test_a_network_without_skip_takes_them_too() -> None:
    path = path_of(L1(), skip=False, layer_penalties=[GroupLasso(), L2()])
    assert path.nonzeros[0] == 0
    assert not path.linear[-1]


BAD: list[tuple[dict[str, Any], str]] = [
    (
        {"hidden": (8,), "layer_penalties": [L1()]},
        "layer_penalties lists 1 penalties and the network has 2 layers",
    ),
    ({"hidden": (8,), "bias_penalties": [None, None, L1()]}, "bias_penalties lists 3"),
    ({"hidden": (8,), "bias_penalties": [None, L2()]}, "the last one must be None or the penalty itself"),
    ({"hidden": (8,), "layer_penalties": [L1(lower=0.0), L1()]}, "lower and upper bound"),
    ({"layer_penalties": [L1(), L1()]}, "they need hidden layers"),
    ({"bias_penalties": L1()}, "they need hidden layers"),
]


@pytest.mark.parametrize(("options", "words"), BAD)
def test_what_does_not_suit_the_layers_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fit_path(*data(), **options)


def test_a_name_that_is_no_penalty_is_refused() -> None:
    with pytest.raises(ValueError, match="got 'ridge': it is called 'l2' here"):
        fit_path(*data(), hidden=(8,), layer_penalties=[L1(), "ridge"])
    model = taut.Regressor((8,), layer_penalties=["l1", "l3"])
    with pytest.raises(ValueError, match="penalty must be one of"):
        model.fit(*data())
    model = taut.Regressor((8,), penalty="elasticnet", l1_ratio=[0.1, 0.9], layer_penalties=["l1", "l2"])
    with pytest.raises(ValueError, match="give layers with one l1_ratio"):
        model.fit(*data())


def test_layers_have_the_names_of_penalties() -> None:
    named, given = (
        fit_path(*data(), hidden=(4,), lambdas=[0.1], random_state=0, max_epochs=3, layer_penalties=layers, bias_penalties=biases)
        for layers, biases in ((["l1", "l2"], "l1"), ([L1(), L2()], L1()))
    )  # fmt: skip
    np.testing.assert_array_equal(named.params[0].weights[0], given.params[0].weights[0])


def test_factors_of_the_first_layer_may_be_given_by_column_name() -> None:
    X, y = data()
    frame = pl.DataFrame(X, schema=[f"c{j}" for j in range(6)])
    layers = [L1(factors={"c0": np.inf}), L1()]
    model = taut.Regressor((8,), lam=0.003, layer_penalties=layers, random_state=0).fit(frame, y)
    assert (model.coefs_[0][0] == 0).all()
    assert (model.coefs_[0] != 0).any()
    assert model.skip_coef_[0, 0] != 0


def test_estimators_read_words_and_cross_validate_with_them() -> None:
    X, y = data()
    options: dict[str, Any] = {"lambdas": 5, "cv": 3, "fallback": "never", "random_state": 0}
    words = taut.Regressor((8,), layer_penalties=["l1", "l2"], **options).fit(X, y)
    objects = taut.Regressor((8,), layer_penalties=[L1(), L2()], **options).fit(X, y)
    plain = taut.Regressor((8,), **options).fit(X, y)
    np.testing.assert_array_equal(words.predict(X), objects.predict(X))
    assert np.abs(words.predict(X) - plain.predict(X)).max() > 1e-6
    labels = y > np.median(y)
    classes = taut.Classifier((8,), layer_penalties=["elasticnet", None], l1_ratio=0.7, **options).fit(
        X, labels
    )
    assert classes.score(X, labels) > 0.7
    scores = taut.cross_validate(
        X,
        labels.astype(float),
        loss=Logistic(),
        hidden=(8,),
        cv=3,
        lambdas=4,
        layer_penalties=L2(),
        random_state=0,
    ).scores
    assert np.isfinite(scores.mean).all()


def test_a_table_is_fitted_told_and_saved_with_them(tmp_path: Path) -> None:
    X, y = data()
    frame = pl.DataFrame(X, schema=[f"c{j}" for j in range(6)]).with_columns(y=pl.Series(y))
    fit = taut.fit(
        frame, "y", hidden=(8,), lambdas=5, cv=3, layer_penalties=[GroupLasso(), "l2"], bias_penalties=["l2", None],
        fallback="never",
    )  # fmt: skip
    first_lines = " ".join(str(fit).split())
    assert "lasso (layers: group lasso, ridge) (biases: ridge, none); intercept not penalised" in first_lines
    fit.save(tmp_path / "model.taut")
    again = taut.load(tmp_path / "model.taut")
    np.testing.assert_array_equal(again.predict(frame), fit.predict(frame))
    assert str(again) == str(fit)
    with pytest.raises(ValueError, match="they need hidden layers"):
        taut.fit(frame, "y", layer_penalties="l1")
