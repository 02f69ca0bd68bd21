"""The compiled network passes against the NumPy reference: values, gradients, whole epochs, the finish."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr

from taut.losses import Huber, Logistic, Loss, Multinomial, Poisson, SquaredError
from taut.network import Network
from taut.penalties import L1, L2, MCP, SCAD, ElasticNet, GroupLasso, NeuronLasso, Penalty
from taut.solvers._kernels import float32 as functions
from taut.solvers.base import LinearProblem
from taut.solvers.matrix import as_matrix
from taut.solvers.networks.batches import AT_ONCE, Orders
from taut.solvers.networks.compiled import CHUNK, CompiledMember, fresh_pace
from taut.solvers.networks.data_loss import Member
from taut.solvers.networks.flat_penalty import QuadraticTable
from taut.solvers.networks.layer_penalties import LayerPenalties, Shapes, layer_penalties
from taut.solvers.networks.lowering import lowered, quadratic_table
from taut.solvers.networks.settings import Training
from taut.solvers.networks.stack import scale_members, stack_members
from taut.solvers.networks.trainer import CompiledTrainer, ReferenceTrainer, Trainer, trainer_for

Float = NDArray[np.float64]
LOSSES = [SquaredError(), Logistic(), Multinomial(), Poisson(), Huber(0.7)]


def member(loss: Loss, network: Network, n: int = 70, offset: bool = True) -> Member:
    rng = np.random.default_rng(0)
    X = 3 + 2 * rng.normal(size=(n, 5))
    score = X[:, 0] - 2 * X[:, 1] + rng.normal(size=n)
    centred = score - score.mean()
    y = {
        Logistic: (centred > 0).astype(float),
        Multinomial: np.digitize(centred, [-2.0, 2.0]).astype(float),
        Poisson: rng.poisson(np.exp(0.2 * centred)).astype(float),
    }.get(type(loss), score)
    weight = rng.integers(0, 3, n).astype(float)
    shift = 0.1 * rng.normal(size=n) if offset else None
    problem = LinearProblem(as_matrix(X), y, weight, loss, L1(), shift)
    return stack_members(problem, scale_members(problem, weight[None]), network)[0]


def start(m: Member) -> Float:
    layout = m.layout
    params = m.network.init(layout.n_inputs, layout.n_outputs, np.random.default_rng(0))
    noise = 0.1 * np.random.default_rng(1).normal(size=layout.size)
    return (layout.vector(params) + noise).astype(np.float32).astype(np.float64)


def compiled(m: Member) -> CompiledMember:
    return CompiledMember.of(m, m.X.astype(np.float32))


def close(m: Member) -> None:
    vector = start(m)
    value, gradient = m.value_and_gradient(vector)
    quick, fast = compiled(m).value_and_gradient(vector)
    assert quick == pytest.approx(value, rel=2e-6)
    np.testing.assert_allclose(fast, gradient, atol=3e-6 * np.abs(gradient).max())


@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss(loss: Loss, skip: bool) -> None:
    close(member(loss, Network((7, 4), "relu", skip)))


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "gelu", "identity"])
@pytest.mark.parametrize("hidden", [(6,), (7, 4), (3, 9, 5)])
def test_every_activation(activation: str, hidden: tuple[int, ...]) -> None:
    close(member(Multinomial(), Network(hidden, activation, skip=True)))


def test_no_hidden_layers() -> None:
    close(member(Multinomial(), Network(())))


def test_more_rows_than_one_chunk() -> None:
    close(member(Poisson(), Network((6,), skip=True), n=2 * CHUNK + 100))


def test_several_outputs() -> None:
    X, y = np.random.default_rng(0).normal(size=(50, 3)), np.random.default_rng(1).normal(size=(50, 2))
    problem = LinearProblem(as_matrix(X), y, np.ones(50), SquaredError(), L1())
    close(stack_members(problem, scale_members(problem, np.ones((1, 50))), Network((6,), skip=True))[0])


def test_the_exponential_to_three_units_in_the_last_place() -> None:
    x = np.linspace(-86, 87, 100_001).astype(np.float32)
    out = x.copy()
    functions.exponential(out, np.empty_like(out))
    np.testing.assert_allclose(out, np.exp(x.astype(np.float64)), rtol=3 * 2.0**-23)


def test_the_exponential_is_held_at_its_ends() -> None:
    out = np.array([-1e30, -100.0, 100.0, 1e30], dtype=np.float32)
    functions.exponential(out, np.empty_like(out))
    assert np.isfinite(out).all()
    assert (out[:2] < 1e-37).all()


def test_the_logarithm_of_one_plus() -> None:
    x = np.concatenate([[0.0], np.geomspace(1e-30, 1, 10_001)]).astype(np.float32)
    out = np.empty_like(x)
    functions.log_one_plus(x, out)
    np.testing.assert_allclose(out, np.log1p(x.astype(np.float64)), rtol=3e-7)


def test_the_normal_distribution() -> None:
    z = np.linspace(-8, 8, 1001).astype(np.float32)
    decay = np.exp(-0.5 * z.astype(np.float64) ** 2).astype(np.float32)
    fast = [functions.normal_distribution(a, b) for a, b in zip(z, decay, strict=True)]
    np.testing.assert_allclose(fast, ndtr(z.astype(np.float64)), atol=3e-7)


def shapes(m: Member, penalty: Penalty | Shapes) -> LayerPenalties:
    return layer_penalties(m.layout, as_shapes(penalty), False, True)


def as_shapes(penalty: Penalty | Shapes) -> Shapes:
    return penalty if isinstance(penalty, Shapes) else Shapes(penalty)


FACTORS = np.array([0, 1, 2, np.inf, 0.5])
GROUPED = GroupLasso(groups=np.array([3, -1, 0, 0, 3]))
PENALTIES = [
    L1(),
    ElasticNet(1.0, 0.5, 0.25),
    L1(factors=FACTORS),
    MCP(),
    MCP(2.0, 5.0, factors=FACTORS),
    SCAD(0.5, 3.0),
    SCAD(factors=FACTORS),
    GroupLasso(0.7),
    GROUPED,
    NeuronLasso(0.4),
]
MIXED = [
    Shapes(L1(), (ElasticNet(1.0, 0.5, 0.25), L2(0.3))),
    Shapes(L1(), (GroupLasso(0.7), L2(0.3)), (L1(0.1), None)),
    Shapes(GROUPED, (NeuronLasso(0.4), ElasticNet(1.0, 0.5, 0.25))),
    Shapes(ElasticNet(1.0, 0.5, 0.25), (None, GroupLasso())),
    Shapes(MCP(), (None, MCP(2.0))),
]


@pytest.mark.parametrize("penalty", [*PENALTIES, *MIXED])
@pytest.mark.parametrize("loss", [SquaredError(), Multinomial()])
def test_epochs_follow_the_reference(loss: Loss, penalty: Penalty | Shapes) -> None:
    """The same mini-batches and steps; float32 against float64, so they drift apart slowly and only that."""
    m = member(loss, Network((6,), "tanh", skip=True))
    training, vector = Training(batch_size=16), start(m)
    quick = trainer_for(m, shapes(m, penalty), training, vector, m.X.astype(np.float32))
    slow = ReferenceTrainer(m, shapes(m, penalty), training, vector, m)
    assert isinstance(quick, CompiledTrainer)
    for epoch in range(10):
        order = np.random.default_rng(epoch).permutation(m.n)
        data = [trainer.epoch(order, 3e-3, 0.02) for trainer in (quick, slow)]
        assert data[0] == pytest.approx(data[1], rel=1e-4)
    np.testing.assert_allclose(quick.vector, slow.vector, atol=2e-4)
    assert np.mean((quick.vector == 0) == (slow.vector == 0)) > 0.95


@pytest.mark.parametrize("penalty", [ElasticNet(1.0, 0.5, 0.25), L1(factors=FACTORS)])
@pytest.mark.parametrize("patience", [2, 100])
def test_many_epochs_in_one_call_are_as_many_calls(penalty: Penalty, patience: int) -> None:
    """The same parameters to the last bit, and the same epoch to stop at."""
    m = member(SquaredError(), Network((6,), skip=True))
    training = Training(batch_size=16, patience=patience, min_decrease=0.05)
    at_once, singly = (
        trainer_for(m, shapes(m, penalty), training, start(m), m.X.astype(np.float32)) for _ in range(2)
    )
    assert isinstance(at_once, CompiledTrainer)
    assert isinstance(singly, CompiledTrainer)
    orders, paces = Orders(3, 7).block(m.n, 0), [fresh_pace(), fresh_pace()]
    ends = [
        at_once.stretch(orders, training.rates(len(orders)), 0.02, paces[0]),
        Trainer.stretch(singly, orders, training.rates(len(orders)), 0.02, paces[1]),
    ]
    assert ends == [patience == 2] * 2
    assert at_once.steps == singly.steps
    assert (at_once.steps < len(orders) * -(-m.n // 16)) == (patience == 2)
    np.testing.assert_array_equal(at_once.vector, singly.vector)
    np.testing.assert_allclose(paces[0], paces[1], rtol=1e-6)


def test_orders_are_permutations_that_every_member_shares() -> None:
    block = Orders(3, 7).block(50, 1)
    np.testing.assert_array_equal(np.sort(block, axis=1), np.tile(np.arange(50), (len(block), 1)))
    np.testing.assert_array_equal(block, Orders(3, 7).block(50, 1))
    assert (
        len({row.tobytes() for row in (*block, *Orders(3, 7).block(50, 0), *Orders(3, 8).block(50, 1))}) == 48
    )
    assert Orders(0, 0).block(AT_ONCE + 1, 0).shape == (1, AT_ONCE + 1)


def test_the_finish_reaches_the_reference() -> None:
    m = member(Logistic(), Network((6,), "tanh", skip=True))
    training = Training(finish_iterations=300)
    quick = trainer_for(m, shapes(m, L1()), training, start(m), m.X.astype(np.float32))
    slow = ReferenceTrainer(m, shapes(m, L1()), training, start(m), m)
    points = [trainer.finish(0.02, 1e-5) for trainer in (quick, slow)]
    assert points[0].total == pytest.approx(points[1].total, rel=1e-4)
    assert points[0].residual < 1e-4
    assert points[0].total == pytest.approx(quick.evaluate(quick.vector, 0.02).total, rel=1e-14)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("penalty", [MCP(), SCAD(), GroupLasso(), GROUPED])
def test_the_finish_of_other_shapes_reaches_the_reference(penalty: Penalty) -> None:
    m = member(Logistic(), Network((6,), "tanh", skip=True))
    training = Training(finish_iterations=300)
    quick = trainer_for(m, shapes(m, penalty), training, start(m), m.X.astype(np.float32))
    slow = ReferenceTrainer(m, shapes(m, penalty), training, start(m), m)
    assert isinstance(quick, CompiledTrainer)
    totals = [trainer.finish(0.02, 1e-5).total for trainer in (quick, slow)]
    assert totals[0] == pytest.approx(totals[1], rel=1e-2)


def test_a_penalty_without_a_table_steps_in_numpy_over_compiled_passes() -> None:
    """Here because two shapes of concave penalties have no compiled step together."""
    m = member(Logistic(), Network((6,), "tanh", skip=True))
    mixed = shapes(m, MCP())
    blocks = (replace(mixed.blocks[0], penalty=SCAD()), *mixed.blocks[1:])
    penalties, training = replace(mixed, blocks=blocks), Training(batch_size=16)
    assert lowered(penalties) is None
    quick = trainer_for(m, penalties, training, start(m), m.X.astype(np.float32))
    slow = ReferenceTrainer(m, penalties, training, start(m), m)
    for epoch in range(5):
        order = np.random.default_rng(epoch).permutation(m.n)
        for trainer in (quick, slow):
            trainer.epoch(order, 3e-3, 0.02)
    np.testing.assert_allclose(quick.vector, slow.vector, atol=2e-4)


@pytest.mark.parametrize("lam", [0.0, 0.3])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("penalty", [ElasticNet(1.0, 0.5, 0.25, factors=FACTORS), *PENALTIES, *MIXED])
def test_the_table_is_the_layer_penalties(penalty: Penalty | Shapes, intercept: bool, lam: float) -> None:
    m = member(Logistic(), Network((6,), skip=True))
    slow = layer_penalties(m.layout, as_shapes(penalty), True, intercept)
    quick = lowered(slow)
    assert quick is not None
    rng = np.random.default_rng(0)
    vector, gradient = rng.normal(size=(2, m.layout.size))
    vector[rng.random(m.layout.size) < 0.5] = 0.0
    vector[:7] = 0.0  # a whole group
    step = rng.uniform(0.1, 0.9, m.layout.size)
    vector = slow.prox(vector, 1e-9, lam)  # excluded weights are zero
    assert quick.value(vector, lam) == pytest.approx(slow.value(vector, lam), rel=1e-13)
    assert quick.largest_step(lam) == slow.largest_step(lam)
    for mine, reference in [
        (quick.gradient(vector, lam), slow.gradient(vector, lam)),
        (quick.prox(gradient, step, lam), slow.prox(gradient, step, lam)),
        (quick.prox(gradient, 0.7, lam), slow.prox(gradient, 0.7, lam)),
        (quick.least_norm(vector, gradient, lam), slow.least_norm(vector, gradient, lam)),
        (quick.residual(vector, gradient, lam), slow.residual(vector, gradient, lam)),
        (quick.held(vector, gradient), slow.held(vector, gradient)),
    ]:
        np.testing.assert_allclose(mine, reference, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("penalty", [*PENALTIES, *MIXED])
def test_a_part_of_a_table_is_the_whole_with_zeros(penalty: Penalty | Shapes) -> None:
    """Inputs and neurons that are left out are zero, and nothing else changes for the rest."""
    m = member(Logistic(), Network((6,), skip=True))
    _, places = m.layout.part(np.arange(5) != 2, (np.arange(6) % 2 == 0,))
    whole = lowered(shapes(m, penalty))
    assert whole is not None
    rng, few = np.random.default_rng(0), whole.take(places)
    vector, gradient = np.zeros((2, m.layout.size))
    vector[places], gradient[places] = rng.normal(size=(2, places.size))
    vector[places[::3]] = 0.0
    vector = whole.prox(vector, 1e-9, 0.2)
    assert few.value(vector[places], 0.2) == pytest.approx(whole.value(vector, 0.2), rel=1e-6)
    for mine, reference in [
        (few.gradient(vector[places], 0.2), whole.gradient(vector, 0.2)),
        (few.prox(gradient[places], 0.3, 0.2), whole.prox(gradient, 0.3, 0.2)),
        (few.least_norm(vector[places], gradient[places], 0.2), whole.least_norm(vector, gradient, 0.2)),
    ]:
        np.testing.assert_allclose(mine, reference[places], rtol=1e-6, atol=1e-7)


def test_the_objective_falls_over_epochs_and_finish() -> None:
    m = member(SquaredError(), Network((16,), skip=True), offset=False)
    trainer = trainer_for(m, shapes(m, L1()), Training(), start(m), m.X.astype(np.float32))
    totals = [trainer.evaluate(trainer.vector, 0.01).total]
    for epoch in range(30):
        trainer.epoch(np.random.default_rng(epoch).permutation(m.n), 3e-3, 0.01)
    totals.append(trainer.evaluate(trainer.vector, 0.01).total)
    totals.append(trainer.finish(0.01, 1e-6).total)
    assert all(b < a for a, b in pairwise(totals))


def test_a_narrowed_network_steps_as_the_whole_one_with_zeros() -> None:
    """Dead inputs and neurons leave the buffers: epochs and finish are those of the network in which they stay zero."""
    m = member(Multinomial(), Network((6, 4), "tanh", skip=True))
    layout = m.layout
    inputs, neurons = np.arange(5) != 1, (np.arange(6) % 2 == 0, np.arange(4) < 3)
    small, places = layout.part(inputs, neurons)
    assert small.size == places.size < layout.size
    vector = np.zeros(layout.size)
    vector[places] = start(m)[places]
    penalties = quadratic_table(shapes(m, L1()))
    assert penalties is not None
    excluded = np.full(layout.size, np.inf)
    excluded[places] = penalties.l1[places]
    wide = CompiledTrainer(
        m, QuadraticTable(excluded, penalties.l2), Training(batch_size=16), compiled(m), vector
    )
    narrow = CompiledTrainer(m, penalties, Training(batch_size=16), compiled(m), start(m))
    narrow.narrow(vector, inputs, neurons)
    assert narrow.part.places.size == places.size
    for epoch in range(5):
        order = np.random.default_rng(epoch).permutation(m.n)
        totals = [trainer.epoch(order, 3e-3, 0.02) for trainer in (narrow, wide)]
        assert totals[0] == pytest.approx(totals[1], rel=1e-5)
    np.testing.assert_allclose(narrow.vector, wide.vector, atol=1e-5)
    assert (narrow.vector[np.setdiff1d(np.arange(layout.size), places)] == 0).all()
    points = [trainer.finish(0.02, 1e-5) for trainer in (narrow, wide)]
    assert points[0].total == pytest.approx(points[1].total, rel=1e-4)


def test_penalised_biases_keep_the_network_wide() -> None:
    """A constant may not move into a bias that is penalised."""
    m = member(Logistic(), Network((6,), skip=True))
    trainer = trainer_for(
        m, layer_penalties(m.layout, Shapes(L1()), True, True), Training(), start(m), m.X.astype(np.float32)
    )
    assert isinstance(trainer, CompiledTrainer)
    trainer.narrow(start(m), np.arange(5) < 2, (np.arange(6) < 2,))
    assert trainer.part.places.size == m.layout.size
