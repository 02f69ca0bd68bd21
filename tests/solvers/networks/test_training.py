"""Solvers of networks: steps by hand, gradients by differences, exact zeros, the linear engine met."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from taut.losses import Huber, Logistic, Loss, Multinomial, Poisson, SquaredError
from taut.network import Network
from taut.path import PathSpec, fit_linear
from taut.penalties import L1, L2, MCP, SCAD, ElasticNet, GroupLasso, Penalty
from taut.solvers.base import LinearProblem
from taut.solvers.matrix import as_matrix
from taut.solvers.networks.data_loss import Member, spread_evenly
from taut.solvers.networks.flat_params import FlatLayout
from taut.solvers.networks.layer_penalties import LayerPenalties, Shapes, layer_penalties
from taut.solvers.networks.lbfgs import LimitedMemory
from taut.solvers.networks.proximal_adam import AdamMoments, proximal_adam_epoch, proximal_adam_step
from taut.solvers.networks.quasi_newton import descend, evaluate
from taut.solvers.networks.settings import Training
from taut.solvers.networks.stack import scale_members, stack_members

Float = NDArray[np.float64]


def data(loss: Loss, n: int = 60, p: int = 5, seed: int = 0) -> tuple[Float, Float]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    score = X[:, 0] - 2 * X[:, 1] + rng.normal(size=n)
    if isinstance(loss, Logistic):
        return X, (score > 0).astype(float)
    if isinstance(loss, Multinomial):
        return X, np.digitize(score, [-1.0, 1.0]).astype(float)
    if isinstance(loss, Poisson):
        return X, rng.poisson(np.exp(0.3 * score)).astype(float)
    return X, score


def member(
    loss: Loss, network: Network, X: Float, y: Float, weight: Float, offset: Float | None = None
) -> Member:
    problem = LinearProblem(as_matrix(X), y, weight, loss, L1(), offset)
    return stack_members(problem, scale_members(problem, weight[None]), network)[0]


def start(m: Member, seed: int = 0) -> Float:
    layout = m.layout
    params = m.network.init(layout.n_inputs, layout.n_outputs, np.random.default_rng(seed))
    return layout.vector(params) + 0.01 * np.random.default_rng(seed + 1).normal(size=layout.size)


def penalties(m: Member, penalty: Penalty, biases: bool = False) -> LayerPenalties:
    return layer_penalties(m.layout, Shapes(penalty), biases, True)


def test_layout_round_trip() -> None:
    layout = FlatLayout(4, (3, 2), 2, skip=True)
    vector = np.arange(layout.size, dtype=float)
    params = layout.params(vector)
    assert [w.shape for w in params.weights] == [(1, 4, 3), (1, 3, 2), (1, 2, 2)]
    assert params.skip is not None
    assert params.skip.shape == (1, 4, 2)
    np.testing.assert_array_equal(layout.vector(params), vector)
    assert layout.n_weights == layout.size - sum(layout.bias_sizes)


def test_layout_params_are_views() -> None:
    layout = FlatLayout(2, (2,), 1, skip=True)
    vector = np.zeros(layout.size)
    layout.params(vector).weights[0][0, 1, 0] = 7.0
    assert vector[3] == 7.0  # row 1 of [W | A], which is three wide


@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("loss", [SquaredError(), Logistic(), Multinomial(), Poisson(), Huber(0.5)])
def test_gradient_matches_differences(loss: Loss, skip: bool) -> None:
    X, y = data(loss)
    weight = np.random.default_rng(3).integers(0, 3, len(y)).astype(float)
    offset = 0.1 * np.random.default_rng(4).normal(size=len(y))
    m = member(loss, Network((4, 3), "tanh", skip=skip), X, y, weight, offset)
    vector = start(m)
    value, gradient = m.value_and_gradient(vector)
    assert value == pytest.approx(m.value(vector), rel=1e-13)
    for j in range(vector.size):
        step = np.zeros(vector.size)
        step[j] = 1e-5
        slope = (m.value(vector + step) - m.value(vector - step)) / 2e-5
        assert gradient[j] == pytest.approx(slope, abs=1e-8)


def test_several_outputs_gradient() -> None:
    X, y = data(SquaredError())
    m = member(SquaredError(), Network((3,), "gelu", skip=True), X, np.c_[y, 100 - y**2], np.ones(len(y)))
    vector = start(m)
    direction = np.random.default_rng(0).normal(size=vector.size)
    _, gradient = m.value_and_gradient(vector)
    slope = (m.value(vector + 1e-6 * direction) - m.value(vector - 1e-6 * direction)) / 2e-6
    assert gradient @ direction == pytest.approx(slope, rel=1e-6)


def test_batches_add_up_to_the_whole() -> None:
    X, y = data(Logistic())
    m = member(Logistic(), Network((4,), "relu", skip=True), X, y, np.ones(len(y)))
    vector = start(m)
    parts = [m.batch(vector, rows) for rows in spread_evenly(np.random.default_rng(0).permutation(60), 7)]
    value, gradient = m.value_and_gradient(vector)
    assert sum(v for v, _ in parts) == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(sum(g for _, g in parts), gradient, atol=1e-14)


def test_members_are_standardised_by_their_own_rows() -> None:
    X, y = data(SquaredError())
    weight = np.random.default_rng(3).integers(0, 3, len(y)).astype(float)
    m = member(SquaredError(), Network((4,)), 5 + 10 * X, 7 * y, weight)
    rows = m.standardized(np.arange(len(y)))
    np.testing.assert_allclose(m.weight @ rows, 0, atol=1e-12)
    np.testing.assert_allclose(m.weight @ rows**2, 1, rtol=1e-12)
    assert m.weight @ m.y == pytest.approx(0, abs=1e-12)
    assert m.weight @ m.y**2 == pytest.approx(1)


def test_batches_are_nearly_equal_and_cover_every_row() -> None:
    batches = spread_evenly(np.arange(100), 32)
    assert sorted(np.concatenate(batches)) == list(range(100))
    assert {len(b) for b in batches} == {25}


def test_proximal_adam_step_by_hand() -> None:
    layout = FlatLayout(2, (), 1, skip=True)
    shapes = layer_penalties(layout, Shapes(ElasticNet(1.0, 0.5, 0.25)), False, True)
    training = Training(beta1=0.9, beta2=0.99, epsilon=1e-8)
    moments = AdamMoments(np.array([0.1, 0.0, 0.2]), np.array([0.04, 0.0, 0.01]), steps=1)
    new = proximal_adam_step(
        np.array([1.0, 0.02, -0.5]), moments, np.array([0.3, 0.1, 0.0]), 0.1, shapes, 0.2, training
    )
    m = np.array([0.9 * 0.1 + 0.1 * 0.3, 0.1 * 0.1, 0.9 * 0.2])
    v = np.array([0.99 * 0.04 + 0.01 * 0.09, 0.01 * 0.01, 0.99 * 0.01])
    d = 0.1 / (np.sqrt(v / (1 - 0.99**2)) + 1e-8)
    z = np.array([1.0, 0.02, -0.5]) - d * m / (1 - 0.9**2)
    shrunk = np.sign(z) * np.maximum(np.abs(z) - d * 0.2 * 0.5, 0) / (1 + 2 * d * 0.2 * 0.25)
    np.testing.assert_allclose(new, [shrunk[0], shrunk[1], z[2]], rtol=1e-14)
    np.testing.assert_allclose(moments.first, m, rtol=1e-14)
    np.testing.assert_allclose(moments.second, v, rtol=1e-14)
    assert moments.steps == 2


def lasso_member() -> Member:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 20))
    y = X[:, :3] @ [3.0, -2.0, 1.0] + 0.1 * rng.normal(size=200)
    return member(SquaredError(), Network(()), X, y, np.ones(200))


def test_steps_with_the_prox_give_exact_zeros() -> None:
    m = lasso_member()
    shapes, lam = penalties(m, L1()), 0.1
    vector, moments, training = (
        np.full(m.layout.size, 0.1),
        AdamMoments.zeros(np.zeros(m.layout.size)),
        Training(),
    )
    for epoch in range(100):
        batches = spread_evenly(np.random.default_rng(epoch).permutation(m.n), 20)
        vector, _ = proximal_adam_epoch(m, vector, moments, batches, 3e-3, shapes, lam, training)
    assert np.flatnonzero(vector[:20]).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "penalty", [L1(), L2(), ElasticNet(1.0, 0.5, 0.25), GroupLasso(groups=[[0, 1], [2, 3, 4]])]
)
@pytest.mark.parametrize("loss", [SquaredError(), Logistic(), Multinomial(), Poisson()])
def test_without_hidden_layers_the_finish_meets_the_linear_engine(loss: Loss, penalty: Penalty) -> None:
    X, y = data(loss)
    lambdas = [0.1, 0.02]
    path = fit_linear(PathSpec(loss, penalty, tol=1e-10), X, y, np.ones((1, len(y))), lambdas)[0]
    m = member(loss, Network(()), X, y, np.ones(len(y)))
    shapes, vector = penalties(m, penalty), np.zeros(m.layout.size)
    for index, lam in enumerate(lambdas):
        point = descend(m, shapes, lam, vector, range(3000), 1e-9)
        assert point.total == pytest.approx(path.objectives[index], abs=2e-10)
        assert point.residual < 1e-6
        coefs = point.vector[: m.layout.n_weights].reshape(5, -1)
        np.testing.assert_allclose(coefs, path.standardized_coefs[index].reshape(5, -1), atol=1e-4)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("penalty", [L1(), ElasticNet(1.0, 0.5, 0.25), MCP(), SCAD(), GroupLasso(), L2()])
def test_the_finish_never_raises_the_objective(penalty: Penalty) -> None:
    X, y = data(Multinomial())
    m = member(Multinomial(), Network((6,), "relu", skip=True), X, y, np.ones(len(y)))
    shapes, vector = penalties(m, penalty, biases=True), start(m)
    totals = [evaluate(m, shapes, 0.02, vector).total]
    totals += [descend(m, shapes, 0.02, vector, range(k), 1e-9).total for k in (1, 3, 10, 30, 100)]
    assert all(b <= a for a, b in pairwise(totals))
    assert totals[-1] < 0.9 * totals[0]


@pytest.mark.parametrize("penalty", [L1(), ElasticNet(1.0, 0.5, 0.25), GroupLasso(), L2()])
def test_the_finish_leaves_a_stationary_point_of_a_smooth_network(penalty: Penalty) -> None:
    X, y = data(SquaredError())
    m = member(SquaredError(), Network((4,), "tanh", skip=True), X, y, np.ones(len(y)))
    point = descend(m, penalties(m, penalty), 0.05, start(m), range(3000), 1e-7)
    assert point.residual <= 1e-6


def test_proximal_adam_with_groups_stops_where_the_objective_is_stationary() -> None:
    """Full-batch steps with a falling rate: their fixed point must be one of L + Ω, whatever the metric."""
    m = lasso_member()
    groups = [[0, 5], [1, 6], [2, 7], list(range(8, 20)), [3, 4]]
    shapes, lam = penalties(m, GroupLasso(groups=groups)), 0.05
    vector, moments, training = (
        np.full(m.layout.size, 0.1),
        AdamMoments.zeros(np.zeros(m.layout.size)),
        Training(),
    )
    for epoch in range(3000):
        rate = 1e-2 * 0.997**epoch  # any faster, and it stops before the weights do
        vector, _ = proximal_adam_epoch(m, vector, moments, [np.arange(m.n)], rate, shapes, lam, training)
    point = evaluate(m, shapes, lam, vector)
    best = descend(m, shapes, lam, vector, range(2000), 1e-10)
    assert point.total - best.total < 1e-13
    assert np.count_nonzero(vector[8:20]) == 0


def test_the_group_of_an_input_holds_its_skip_and_weighs_as_in_the_linear_model() -> None:
    layout = FlatLayout(2, (3,), 1, skip=True)
    shapes = layer_penalties(layout, Shapes(GroupLasso()), False, True)
    vector = np.zeros(layout.size)
    vector[:4] = [1.0, 2.0, 2.0, 4.0]  # the weights of input 0 to three neurons, and its skip coefficient
    assert shapes.value(vector, 0.5) == pytest.approx(0.5 * 5.0)


def test_factors_hold_for_inputs_only_and_bounds_are_refused() -> None:
    layout = FlatLayout(2, (2,), 1, skip=True)
    shapes = layer_penalties(layout, Shapes(L1(factors=np.array([0.0, 3.0]))), True, True)
    vector = np.ones(layout.size)
    assert shapes.value(vector, 1.0) == pytest.approx(
        3 * 3 + 2 + 3
    )  # row 2 of [W | A], outgoing weights, biases
    with pytest.raises(ValueError, match="lower and upper"):
        layer_penalties(layout, Shapes(L1(lower=0.0)), False, True)


def test_without_an_intercept_the_output_has_no_bias() -> None:
    layout = FlatLayout(2, (2,), 1, skip=True)
    shapes = layer_penalties(layout, Shapes(L1()), False, False)
    assert shapes.prox(np.ones(layout.size), 1e-6, 1.0)[-1] == 0.0


def test_steps_stay_below_the_weak_convexity_of_a_nonconvex_penalty() -> None:
    layout = FlatLayout(2, (), 1, skip=True)
    shapes = layer_penalties(layout, Shapes(MCP(1.0, gamma=3.0)), False, True)
    moments = AdamMoments(np.zeros(3), np.full(3, 1e-20), steps=5)
    new = proximal_adam_step(np.ones(3), moments, np.zeros(3), 0.1, shapes, 0.1, Training())
    assert np.isfinite(new).all()


@pytest.mark.parametrize(
    ("field", "value"),
    [("max_epochs", -1), ("learning_rate", 0.0), ("batch_size", 0), ("patience", 0), ("beta1", 1.0)],
)
def test_training_says_what_is_wrong(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=field):
        replace(Training(), **{field: value})


def test_training_defaults() -> None:
    training = Training().with_options(max_epochs=None, batch_size=None, learning_rate=4e-3)
    assert [training.rows_per_step(n) for n in (10, 999, 1000, 19_999, 20_000)] == [10, 32, 64, 64, 128]
    assert training.rates(20)[[0, 19]] == pytest.approx([4e-3, 4e-4])
    assert training.rates(1).tolist() == [4e-3]
    assert [training.finish_steps(n) for n in (100, 20_000)] == [5, 2]
    assert training.with_options(finish_iterations=30).finish_steps(20_000) == 30
    assert training.epochs(first=True) == 10 * training.epochs(first=False)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_limited_memory_is_the_two_loop_recursion(dtype: Any) -> None:
    """Nocedal and Wright, algorithm 7.4, on the last ten pairs; and the dtype stays."""
    rng = np.random.default_rng(0)
    root = rng.normal(size=(50, 50)) / 10
    hessian = root @ root.T + np.eye(50)
    memory, pairs = LimitedMemory(np.zeros(50, dtype)), []
    assert len(memory) == 0
    for _ in range(25):
        step: Float = rng.normal(size=50).astype(dtype)
        pairs.append((step, (hessian @ step).astype(dtype)))
        memory.remember(*pairs[-1])
        vector: Float = rng.normal(size=50).astype(dtype)
        expected, shares = vector.astype(float), []
        for s, y in reversed(pairs[-10:]):
            shares.append((s @ expected) / (s @ y))
            expected -= shares[-1] * y
        s, y = pairs[-1]
        expected *= (s @ y) / (y @ y)
        for (s, y), share in zip(pairs[-10:], reversed(shares), strict=True):
            expected += (share - (y @ expected) / (s @ y)) * s
        found = memory.times(vector)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3 if dtype == np.float32 else 1e-9)
    memory.remember(pairs[0][0], -pairs[0][1])  # negative curvature is not kept
    np.testing.assert_array_equal(memory.times(vector), found)
    memory.forget()
    np.testing.assert_array_equal(memory.times(vector), vector)
