"""Networks: every combination passes the laws, numbers come from elsewhere, broken networks do not pass."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special

from taut.families import FAMILIES
from taut.laws import check_network
from taut.losses import Gamma, Huber, Logistic, Loss, Multinomial, Poisson, SquaredError, Tweedie
from taut.network import ACTIVATIONS, SCHEMES, Activation, Network, Params, Tape, as_activation
from taut.penalties import L1, L2, MCP, SCAD, ElasticNet, GroupLasso, Penalty

Float = NDArray[Any]

PENALTIES: list[Penalty | None] = [
    None,
    L1(0.3),
    L2(0.2),
    ElasticNet(0.7, 0.4, 0.3),
    GroupLasso(0.2),
    MCP(0.3, gamma=2.5),
    SCAD(0.2, gamma=3.0),
]
LOSSES = [family.make() for family in FAMILIES.values()]
SHAPES = [(), (3,), (3, 2)]


def targets(loss: Loss, n: int = 5) -> Float:
    """A y with what is special about each loss: classes, counts, several outputs."""
    codes = np.arange(n) % 3
    known = {Logistic: codes % 2, Multinomial: codes, Poisson: codes, Tweedie: codes, Gamma: codes + 0.5}
    return known.get(type(loss), np.random.default_rng(n).normal(size=(n, 2)))


@pytest.mark.sampled(4)
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_combination_passes_the_laws(activation: str, loss: Loss) -> None:
    for seed, (hidden, skip, penalty) in enumerate(itertools.product(SHAPES, (False, True), PENALTIES)):
        network = Network(hidden, activation, skip)
        check_network(network, loss, targets(loss), seed, weights=penalty, biases=penalty, inputs=2)


@settings(max_examples=20)
@given(
    hidden=st.lists(st.integers(0, 3), max_size=3),
    skip=st.booleans(),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    loss=st.sampled_from(LOSSES),
    data=st.data(),
    members=st.integers(1, 3),
    inputs=st.integers(1, 3),
    seed=st.integers(0, 2**16),
)
def test_laws_hold(
    hidden: list[int],
    skip: bool,
    activation: str,
    loss: Loss,
    data: st.DataObject,
    members: int,
    inputs: int,
    seed: int,
) -> None:
    penalty = st.sampled_from(PENALTIES)
    layers = st.lists(penalty, min_size=len(hidden) + 1, max_size=len(hidden) + 1)
    check_network(
        Network(tuple(hidden), activation, skip),
        loss,
        targets(loss),
        seed,
        weights=data.draw(layers),
        biases=data.draw(layers),
        skip=data.draw(penalty),
        inputs=inputs,
        members=members,
    )


def test_a_network_by_hand() -> None:
    """x = (1, 2), two relu units of which one is off: z = (3, −3), a = (3, 0), η = 3·2 + 0·5 + 1 = 7."""
    network = Network((2,))
    weights = (np.array([[[1.0, -1.0], [1.0, -1.0]]]), np.array([[[2.0], [5.0]]]))
    params = Params(weights, (np.zeros((1, 2)), np.ones((1, 1))))
    eta, tape = network.forward(params, np.array([[1.0, 2.0]]))
    assert eta.tolist() == [[[7.0]]]
    gradient = network.backward(params, tape, np.ones((1, 1, 1)))
    assert gradient.weights[1].tolist() == [[[3.0], [0.0]]]
    assert gradient.weights[0].tolist() == [[[2.0, 0.0], [4.0, 0.0]]]
    assert gradient.biases[0].tolist() == [[2.0, 0.0]]
    assert gradient.biases[1].tolist() == [[1.0]]


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_torch_has_the_same_passes(activation: str, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    rng, network = np.random.default_rng(2), Network((4, 3), activation, skip=True)
    params = network.init(3, 2, rng, members=2, dtype=dtype).map(lambda a: (a + 0.1).astype(dtype))
    X, deta = rng.normal(size=(5, 3)).astype(dtype), rng.normal(size=(2, 5, 2)).astype(dtype)
    phi = {"identity": lambda z: z, "gelu": torch.nn.functional.gelu}.get(
        activation, getattr(torch, activation, None)
    )
    leaves = params.rebuild([torch.tensor(array, requires_grad=True) for array in params.arrays])
    a = torch.tensor(X)
    for weight, bias in zip(leaves.weights[:-1], leaves.biases[:-1], strict=True):
        a = phi(a @ weight + bias[:, None])
    output = a @ leaves.weights[-1] + leaves.biases[-1][:, None] + torch.tensor(X) @ leaves.skip
    expected = torch.autograd.grad(output, leaves.arrays, torch.tensor(deta))
    eta, tape = network.forward(params, X)
    rtol = 1e-10 if dtype == "float64" else 1e-4
    np.testing.assert_allclose(eta, output.detach().numpy(), rtol=rtol, atol=rtol)
    for mine, theirs in zip(network.backward(params, tape, deta).arrays, expected, strict=True):
        np.testing.assert_allclose(mine, theirs.numpy(), rtol=rtol, atol=rtol)


class TestActivations:
    Z = np.array([-1e4, -20.0, -1.5, -1e-3, 0.0, 1e-3, 0.7, 30.0, 1e4])

    def test_values(self) -> None:
        expected = {
            "relu": np.where(self.Z > 0, self.Z, 0),
            "tanh": np.sinh(np.clip(self.Z, -40, 40)) / np.cosh(np.clip(self.Z, -40, 40)),
            "sigmoid": 1 / (1 + np.exp(-np.clip(self.Z, -700, 700))),
            "gelu": self.Z * 0.5 * special.erfc(-self.Z / np.sqrt(2)),
            "identity": self.Z,
        }
        assert expected.keys() == ACTIVATIONS.keys()
        for name, value in expected.items():
            np.testing.assert_allclose(ACTIVATIONS[name].value(self.Z), value, rtol=1e-12, atol=1e-300)

    @pytest.mark.parametrize("name", sorted(ACTIVATIONS))
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_derivatives_are_safe_and_keep_the_dtype(self, name: str, dtype: Any) -> None:
        phi, z = ACTIVATIONS[name], self.Z.astype(dtype)
        with np.errstate(all="raise", under="ignore"):
            a = phi.value(z)
            slope = phi.derivative(z, a)
        assert a.dtype == slope.dtype == dtype
        assert np.isfinite(slope).all()
        flat, rising = slope[0], slope[-1]
        assert (flat, rising) == {"identity": (1, 1), "relu": (0, 1), "gelu": (0, 1)}.get(name, (0, 0))

    def test_relu_is_flat_at_its_kink(self) -> None:
        assert ACTIVATIONS["relu"].derivative(np.zeros(1), np.zeros(1)) == 0

    def test_one_of_your_own(self) -> None:
        assert as_activation(Sine()) == Sine()
        check_network(Network((3,), Sine()))


@dataclass(frozen=True)
class Sine(Activation):
    name: ClassVar[str] = "sine"

    def value(self, z: Float) -> Float:
        return np.sin(z)

    def derivative(self, z: Float, a: Float) -> Float:
        return np.cos(z)


class TestInit:
    def test_he_and_glorot_have_their_variances(self) -> None:
        for scheme, variance in (("he", 2 / 300), ("glorot", 2 / (300 + 200))):
            weight = Network(scheme=scheme).init(300, 200, np.random.default_rng(0)).weights[0]
            assert weight.var() == pytest.approx(variance, rel=0.02)
            assert abs(weight.mean()) < 3 * np.sqrt(variance / weight.size)

    def test_glorot_is_uniform(self) -> None:
        limit = np.sqrt(6 / 500)
        weight = SCHEMES["glorot"](np.random.default_rng(0), 300, 200)
        assert np.abs(weight).max() == pytest.approx(limit, rel=1e-3)
        assert np.abs(weight).max() < limit

    def test_the_same_seed_gives_the_same_start_in_both_dtypes(self) -> None:
        single, double = (
            Network((4,), skip=True).init(3, 1, np.random.default_rng(7), members=2, dtype=dtype)
            for dtype in ("float32", "float64")
        )
        for a, b in zip(single.arrays, double.arrays, strict=True):
            assert a.dtype == np.float32
            np.testing.assert_array_equal(a, b.astype(np.float32))

    def test_a_second_call_starts_elsewhere(self) -> None:
        rng = np.random.default_rng(0)
        first, second = (Network().init(3, 1, rng).weights[0] for _ in range(2))
        assert np.all(first != second)


class TestParams:
    def test_take_member_and_stack_go_round(self) -> None:
        params = Network((2,), skip=True).init(3, 1, np.random.default_rng(0), members=4)
        again = Params.stack([params.member(m) for m in range(4)])
        assert params.members == again.members == 4
        for a, b in zip(params.arrays, again.arrays, strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(params.take([2, 0]).skip, params.skip[[2, 0]])  # type: ignore[index]

    def test_taken_members_are_copies(self) -> None:
        params = Network().init(3, 1, np.random.default_rng(0), members=2)
        params.member(0).weights[0][:] = 0
        assert params.weights[0][0].any()


class TestErrors:
    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"hidden": 64}, TypeError, r"\(64, 32\), and it is 64"),
            ({"hidden": "64"}, TypeError, "'64'"),
            ({"hidden": (64, -1)}, ValueError, "-1 in"),
            ({"hidden": (2.5,)}, ValueError, "2.5"),
            ({"hidden": (True,)}, ValueError, "True"),
            ({"activation": "swish"}, ValueError, "'swish': choose one of relu"),
            ({"scheme": "xavier"}, ValueError, "'xavier'.*he, glorot"),
        ],
    )
    def test_the_constructor(self, arguments: dict[str, Any], error: type[Exception], message: str) -> None:
        with pytest.raises(error, match=message):
            Network(**arguments)

    def test_lists_and_numpy_integers_are_widths(self) -> None:
        assert Network([np.int64(3), 2]).hidden == (3, 2)  # type: ignore[arg-type]

    def test_inputs(self) -> None:
        params = Network().init(3, 1, np.random.default_rng(0), members=2)
        for shape, message in (
            ((5, 4), r"\(n, 3\).*\(5, 4\)"),
            ((3, 5, 3), "3 members and the parameters 2"),
        ):
            with pytest.raises(ValueError, match=message):
                Network().forward(params, np.zeros(shape))


@dataclass(frozen=True)
class SlopedSine(Sine):
    def derivative(self, z: Float, a: Float) -> Float:
        return 0.99 * np.cos(z)


class NoBias(Network):
    def backward(self, params: Params, tape: Tape, deta: Float) -> Params:
        right = super().backward(params, tape, deta)
        return Params(right.weights, tuple(0 * bias for bias in right.biases), right.skip)


class Mixed(Network):
    def forward(self, params: Params, X: Float) -> tuple[Float, Tape]:
        eta, tape = super().forward(params, X)
        return eta + 0.1 * (eta.mean(axis=0) - eta), tape


class Doubled(Network):
    def forward(self, params: Params, X: Float) -> tuple[Float, Tape]:
        double = params.map(lambda array: array.astype(np.float64))
        return super().forward(double, X)


class OneStream(Network):
    def init(self, n_inputs: int, n_outputs: int, rng: Any, members: int = 1, dtype: Any = float) -> Params:
        one = super().init(n_inputs, n_outputs, rng, 1, dtype)
        return Params.stack([one] * members)


class NoSkip(Network):
    def forward(self, params: Params, X: Float) -> tuple[Float, Tape]:
        return super().forward(Params(params.weights, params.biases), X)

    def backward(self, params: Params, tape: Tape, deta: Float) -> Params:
        right = super().backward(Params(params.weights, params.biases), tape, deta)
        return Params(right.weights, right.biases, np.zeros_like(params.skip))


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (Network((3,), SlopedSine()), "backward is the derivative of forward, data, weights 1"),
        (NoBias((3,)), "data, biases 1"),
        (Mixed((3,)), "derivative of forward"),
        (Doubled((3,)), "float32 stays float32"),
        (OneStream((3,)), "members start differently"),
        (NoSkip((3,), skip=True), "sum over units"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_laws_catch_a_broken_network(network: Network, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_network(network)


def test_laws_catch_a_wrong_loss_gradient() -> None:
    class HalfHuber(Huber):
        def gradient(self, eta: Any, y: Any, weight: Any = None) -> Any:
            return super().gradient(eta, y, weight) / 2

    with pytest.raises(AssertionError, match="derivative of forward, data"):
        check_network(Network((2,)), HalfHuber(), np.arange(5.0))


def test_laws_catch_a_wrong_penalty_gradient() -> None:
    class SignlessL1(L1):
        def gradient(self, w: Any) -> Any:
            return np.abs(super().gradient(w))

    with pytest.raises(AssertionError, match="derivative of forward, penalty, weights"):
        check_network(Network((2,)), SquaredError(), np.arange(5.0), weights=SignlessL1(0.1))
