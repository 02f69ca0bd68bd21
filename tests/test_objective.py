"""The objective is the mission's formula: data loss plus λΣ|w| or λΣw² per layer, and so is its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from taut.losses import Huber, Logistic, Multinomial, Poisson, SquaredError
from taut.network import Network, Params
from taut.objective import Objective, Terms
from taut.path import fit_path
from taut.penalties import L1, L2, MCP, ElasticNet, GroupLasso, Penalty

Float = NDArray[Any]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


@pytest.fixture
def X(rng: np.random.Generator) -> Float:
    return rng.normal(size=(6, 3))


@pytest.fixture
def y(rng: np.random.Generator) -> Float:
    return rng.normal(size=6)


def start(network: Network, rng: np.random.Generator, members: int = 1, outputs: int = 1) -> Params:
    return network.init(3, outputs, rng, members).map(lambda a: rng.normal(size=a.shape))


def total(power: int, *arrays: Float) -> float:
    return float(sum(np.sum(np.abs(array) ** power) for array in arrays))


class TestTheFormulas:
    """L = mean squared error, one member, one hidden layer."""

    network = Network((4,), "tanh")

    def data(self, params: Params, X: Float, y: Float) -> float:
        (W, V), (b, c) = params.weights, params.biases
        return float(np.mean((np.tanh(X @ W[0] + b[0]) @ V[0] + c[0] - y[:, None]) ** 2))

    @pytest.mark.parametrize(
        ("penalty", "parts"),
        [
            (L1(0.3), {1: 0.3}),
            (L2(0.2), {2: 0.2}),
            (ElasticNet(0.7, 0.4, 0.5), {1: 0.7 * 0.4, 2: 0.7 * 0.5}),
        ],
        ids=repr,
    )
    def test_total(
        self, penalty: Penalty, parts: dict[int, float], X: Float, y: Float, rng: np.random.Generator
    ) -> None:
        params = start(self.network, rng)
        terms = Objective(SquaredError(), self.network, penalty, penalty).forward(params, X, y)
        expected = sum(lam * total(power, *params.arrays) for power, lam in parts.items())
        assert terms.data == pytest.approx(self.data(params, X, y), rel=1e-13)
        assert terms.penalty == pytest.approx(expected, rel=1e-13)
        assert terms.total == terms.data + terms.penalty
        assert isinstance(terms.total, float)

    def test_gradient_adds_lambda_sign_and_two_lambda_w(
        self, X: Float, y: Float, rng: np.random.Generator
    ) -> None:
        params = start(self.network, rng)
        plain = Objective(SquaredError(), self.network).backward(params, X, y)
        both = Objective(SquaredError(), self.network, weights=L1(0.3), biases=L2(0.2)).backward(params, X, y)
        for g, h, w in zip(plain.weights, both.weights, params.weights, strict=True):
            np.testing.assert_allclose(h, g + 0.3 * np.sign(w), rtol=1e-13)
        for g, h, b in zip(plain.biases, both.biases, params.biases, strict=True):
            np.testing.assert_allclose(h, g + 2 * 0.2 * b, rtol=1e-13)

    def test_the_subgradient_of_l1_is_0_at_0(self, rng: np.random.Generator) -> None:
        params = start(self.network, rng).map(np.zeros_like)
        gradient = Objective(SquaredError(), self.network, L1(1.0), L1(1.0)).backward_penalty(params)
        assert not any(array.any() for array in gradient.arrays)

    def test_the_gradient_is_the_sum_of_its_terms(self, X: Float, y: Float, rng: np.random.Generator) -> None:
        params = start(self.network, rng)
        F = Objective(SquaredError(), self.network, weights=[L1(1.0), None])
        sum_ = F.backward_data(params, X, y).map(np.add, F.backward_penalty(params))
        for a, b in zip(F.backward(params, X, y).arrays, sum_.arrays, strict=True):
            np.testing.assert_array_equal(a, b)


class TestPenaltiesPerLayer:
    def test_each_layer_has_its_own(self, rng: np.random.Generator, X: Float, y: Float) -> None:
        network = Network((4, 2), skip=True)
        params = start(network, rng)
        weights, biases = [L1(0.1), None, L2(0.3)], [None, L2(0.5), L1(0.7)]
        terms = Objective(SquaredError(), network, weights, biases, L1(0.9)).forward(params, X, y)
        expected = (
            0.1 * total(1, params.weights[0])
            + 0.3 * total(2, params.weights[2])
            + 0.5 * total(2, params.biases[1])
            + 0.7 * total(1, params.biases[2])
            + 0.9 * total(1, params.skip)  # type: ignore[arg-type]
        )
        assert terms.penalty == pytest.approx(expected, rel=1e-13)

    def test_the_skip_connection_has_the_first_layers_by_default(self, rng: np.random.Generator) -> None:
        network = Network((4,), skip=True)
        params = start(network, rng)
        factors = L1(0.5, factors=[0.0, 1.0, 2.0])
        assert Objective(SquaredError(), network, [factors, None]).penalties(params) == (
            factors,
            None,
            None,
            None,
            factors,
        )
        assert Objective(SquaredError(), network, L1(1.0), skip=L1(0.0)).penalties(params)[-1] == L1(0.0)

    def test_factors_and_groups_follow_the_inputs(self, rng: np.random.Generator, X: Float, y: Float) -> None:
        params = start(Network((4,)), rng)
        W = params.weights[0][0]
        by_factor = Objective(SquaredError(), Network((4,)), [L1(0.5, factors=[0.0, 1.0, 2.0]), None])
        expected = 0.5 * (total(1, W[1]) + 2 * total(1, W[2]))
        assert by_factor.forward(params, X, y).penalty == pytest.approx(expected)
        by_group = Objective(SquaredError(), Network((4,)), [GroupLasso(0.5, [[0], [1, 2]]), None])
        expected = 0.5 * (np.sqrt(4) * np.linalg.norm(W[0]) + np.sqrt(8) * np.linalg.norm(W[1:]))
        assert by_group.forward(params, X, y).penalty == pytest.approx(expected)

    def test_errors(self) -> None:
        with pytest.raises(ValueError, match="weights lists 1 penalties and the network has 2 layers"):
            Objective(SquaredError(), Network((4,)), weights=[L1()])
        with pytest.raises(TypeError, match=r"biases\[0\] must be a penalty.*0.1"):
            Objective(SquaredError(), Network(), biases=[0.1])  # type: ignore[list-item]


class TestMembersAndWeights:
    def test_a_stack_has_a_number_per_member(self, rng: np.random.Generator, X: Float, y: Float) -> None:
        network = Network((4,))
        params = start(network, rng, members=3)
        F = Objective(SquaredError(), network, L1(0.1))
        terms = F.forward(params, X, y)
        assert terms.data.shape == terms.penalty.shape == terms.total.shape == (3,)
        for m in range(3):
            alone = F.forward(params.member(m), X, y)
            assert (terms.data[m], terms.penalty[m]) == pytest.approx((alone.data, alone.penalty), rel=1e-13)

    def test_a_row_mask_per_member_is_a_fold(self, rng: np.random.Generator, X: Float, y: Float) -> None:
        params = start(Network(), rng, members=2)
        folds = np.array([[1, 1, 1, 1, 0, 0], [0, 0, 1, 1, 1, 1.0]])
        F = Objective(SquaredError(), Network())
        data = F.forward(params, X, y, folds).data
        for m, rows in enumerate((slice(0, 4), slice(2, 6))):
            assert data[m] == pytest.approx(F.forward(params.member(m), X[rows], y[rows]).data, rel=1e-13)

    def test_depth_zero_is_the_linear_model(self, rng: np.random.Generator, X: Float, y: Float) -> None:
        params = start(Network(), rng)
        w, b = params.weights[0][0, :, 0], params.biases[0][0, 0]
        residual = X @ w + b - y
        F = Objective(SquaredError(), Network(), L2(0.1))
        assert F.forward(params, X, y).total == pytest.approx(np.mean(residual**2) + 0.1 * w @ w, rel=1e-13)
        gradient = F.backward(params, X, y)
        np.testing.assert_allclose(gradient.weights[0][0, :, 0], 2 * X.T @ residual / 6 + 0.2 * w, rtol=1e-12)

    @pytest.mark.parametrize(
        ("weight", "message"),
        [
            (np.ones(5), r"\(6,\) or \(1, 6\), and this one is \(5,\)"),
            (np.ones((2, 6)), r"\(2, 6\)"),
            (-np.ones(6), "≥ 0"),
            (np.full(6, np.nan), "finite"),
            (np.zeros(6), "sum to 0"),
        ],
    )
    def test_wrong_weights(
        self, weight: Float, message: str, rng: np.random.Generator, X: Float, y: Float
    ) -> None:
        with pytest.raises(ValueError, match=message):
            Objective(SquaredError(), Network()).forward(start(Network(), rng), X, y, weight)

    def test_wrong_outputs(self, rng: np.random.Generator, X: Float, y: Float) -> None:
        params = start(Network(), rng, outputs=2)
        with pytest.raises(ValueError, match="one output for this y, and the network 2"):
            Objective(SquaredError(), Network()).forward(params, X, y)
        with pytest.raises(ValueError, match=r"eta is \(1, 6, 2\)"):
            Objective(SquaredError(), Network()).forward(params, X, np.zeros((6, 3)))


@pytest.mark.parametrize(
    ("loss", "name", "scale"),
    [
        (SquaredError(), "mse_loss", 1.0),
        (Huber(1.0), "huber_loss", 2.0),
        (Logistic(), "binary_cross_entropy_with_logits", 1.0),
        (Poisson(), "poisson_nll_loss", 1.0),
        (Multinomial(), "cross_entropy", 1.0),
    ],
    ids=lambda value: str(value),
)
def test_torch_agrees_on_the_whole_objective(
    loss: Any, name: str, scale: float, rng: np.random.Generator, X: Float
) -> None:
    torch = pytest.importorskip("torch")
    network, codes = Network((4,), "gelu", skip=True), np.arange(6) % 3
    y = {"cross_entropy": codes, "mse_loss": rng.normal(size=6), "huber_loss": 3.0 * codes}.get(
        name, codes % 2
    )
    params = start(network, rng, outputs=loss.outputs(y) if loss.multi_output(y) else 1)
    W, V, b, c, A = (torch.tensor(array[0], requires_grad=True) for array in params.arrays)
    inputs = torch.tensor(X)
    eta = (torch.nn.functional.gelu(inputs @ W + b) @ V + c + inputs @ A).squeeze(1)
    target = torch.tensor(y) if name == "cross_entropy" else torch.tensor(y, dtype=torch.float64)
    data = scale * getattr(torch.nn.functional, name)(eta, target)
    penalty = 0.1 * sum(w.abs().sum() for w in (W, V, A)) + 0.2 * sum((v**2).sum() for v in (b, c))
    expected = torch.autograd.grad(data + penalty, [W, V, b, c, A])
    F = Objective(loss, network, weights=L1(0.1), biases=L2(0.2))
    assert F.forward(params, X, y) == pytest.approx(Terms(data.item(), penalty.item()), rel=1e-12)
    for mine, theirs in zip(F.backward(params, X, y).arrays, expected, strict=True):
        np.testing.assert_allclose(mine[0], theirs.numpy(), rtol=1e-10, atol=1e-13)


class TestSteps:
    """Gradient descent as the formulas are written, and the step that solves for the penalty exactly."""

    def test_a_gradient_step_by_hand(self) -> None:
        """One weight, one bias, the elastic net's slopes: 0.5 + 2·0.25·w on the weight, none on the bias."""
        F = Objective(SquaredError(), Network(), weights=ElasticNet(1.0, 0.5, 0.25))
        params = Params((np.array([[[1.0], [0.0], [-0.5]]]),), (np.array([[0.2]]),), None)
        X, y = np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 1.0]]), np.array([0.0, 1.0])
        new = F.gradient_step(params, X, y, 0.1)
        # η = (1.2, −0.3), residuals (1.2, −1.3): ∂L/∂w = (1.2, 2.4, −1.3), ∂L/∂b = −0.1.
        expected = [1 - 0.1 * (1.2 + 1.0), -0.1 * 2.4, -0.5 - 0.1 * (-1.3 - 0.75)]
        np.testing.assert_allclose(new.weights[0].ravel(), expected, rtol=1e-13)
        np.testing.assert_allclose(new.biases[0].ravel(), [0.21], rtol=1e-13)

    def test_a_proximal_step_by_hand(self) -> None:
        """The same point under L1: soft thresholding at rate·λ after the data's step."""
        F = Objective(SquaredError(), Network(), weights=L1(2.0), biases=L2(0.5))
        params = Params((np.array([[[1.0], [0.0], [-0.5]]]),), (np.array([[0.2]]),), None)
        X, y = np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 1.0]]), np.array([0.0, 1.0])
        new = F.proximal_step(params, X, y, 0.1)
        np.testing.assert_allclose(new.weights[0].ravel(), [0.88 - 0.2, -0.04, -0.37 + 0.2], rtol=1e-13)
        np.testing.assert_allclose(new.biases[0].ravel(), [0.21 / 1.1], rtol=1e-13)

    def test_every_member_takes_its_own_step(self, rng: np.random.Generator, X: Float, y: Float) -> None:
        network = Network((4,), "tanh", skip=True)
        F = Objective(SquaredError(), network, weights=L1(0.3), biases=MCP(0.1))
        both = start(network, rng, members=2)
        for step in (F.gradient_step, F.proximal_step):
            together = step(both, X, y, 0.05)
            for m in range(2):
                alone = step(both.map(lambda a, m=m: a[m : m + 1]), X, y, 0.05)
                for one, all_ in zip(alone.arrays, together.arrays, strict=True):
                    np.testing.assert_allclose(one[0], all_[m], rtol=1e-13)

    @pytest.mark.parametrize("rate", [0.0, -1.0, np.nan, np.inf])
    def test_a_rate_that_is_none(self, rate: float, rng: np.random.Generator, X: Float, y: Float) -> None:
        F, params = Objective(SquaredError(), Network(), weights=L1(0.3)), start(Network(), rng)
        for step in (F.gradient_step, F.proximal_step):
            with pytest.raises(ValueError, match="rate must be a finite number above 0"):
                step(params, X, y, rate)

    def test_why_l1_needs_the_prox(self, rng: np.random.Generator) -> None:
        """Both steps lower the objective; only the proximal one zeroes weights, and its zeros are the lasso's."""
        X = rng.normal(size=(50, 3))
        y = X[:, 0]
        F = Objective(SquaredError(), Network(), weights=L1(0.3))
        plain = proximal = start(Network(), rng)
        first = F.forward(plain, X, y).total
        for _ in range(500):
            plain, proximal = F.gradient_step(plain, X, y, 0.01), F.proximal_step(proximal, X, y, 0.01)
        near, exact = plain.weights[0].ravel(), proximal.weights[0].ravel()
        assert F.forward(proximal, X, y).total <= F.forward(plain, X, y).total < first
        assert np.all(np.abs(near[1:]) < 0.02)
        assert np.all(near != 0)
        lasso = fit_path(X, y, lambdas=[0.3], standardize=False, tol=1e-12).coefs[0]
        np.testing.assert_allclose(exact, lasso, atol=1e-6)
        assert np.array_equal(exact == 0.0, lasso == 0.0)
