"""Every loss that taut exports passes every law and equals formulas from elsewhere; broken ones do not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import optimize, special

from taut import losses
from taut.arrays import installed_kinds
from taut.families import FAMILIES, as_loss
from taut.laws import check_loss
from taut.laws.loss import Case, convexity_law
from taut.losses import Huber, Logistic, Loss, Multinomial, Poisson, SquaredError
from taut.losses.links import NEVER, IdentityLink, Link, LogitLink, LogLink, SoftmaxLink

Float = NDArray[Any]

CLASSES = sorted(
    (
        c
        for c in (getattr(losses, name) for name in losses.__all__)
        if isinstance(c, type) and issubclass(c, Loss) and not c.__abstractmethods__
    ),
    key=lambda c: c.__name__,
)

ETA = np.array([-700.0, -40.0, -3.0, -0.1, 0.0, 0.2, 2.5, 30.0, 600.0])


def columns(rng: np.random.Generator, n: int) -> Float:
    """A continuous y, with one column, or as a matrix of one or three."""
    outputs = rng.choice([0, 1, 3])
    return 2 * rng.normal(size=(n, outputs) if outputs else n)


def binary(rng: np.random.Generator, n: int) -> Float:
    """Classes 0 and 1, both there, or probabilities."""
    return rng.choice([rng.permutation(np.arange(n) % 2), rng.uniform(size=n)])


def classes(rng: np.random.Generator, n: int) -> Float:
    """Codes of up to four classes, each there, or probabilities."""
    k = int(rng.integers(2, min(n, 4) + 1))
    codes = rng.permutation(np.arange(n) % k)
    if rng.uniform() < 0.5:
        return codes
    return rng.choice([np.eye(k)[codes], rng.dirichlet(np.ones(k), size=n)])


def counts(rng: np.random.Generator, n: int) -> Float:
    """Counts, rates, or a mix with a zero."""
    y = rng.choice([rng.poisson(2, size=n), rng.uniform(0, 20, size=n)])
    return np.where(np.arange(n) == 0, 1, y)


TARGETS = {
    SquaredError: columns,
    Huber: columns,
    Logistic: binary,
    Multinomial: classes,
    Poisson: counts,
}


@st.composite
def instances(draw: st.DrawFn, cls: type[Loss]) -> Loss:
    return Huber(draw(st.sampled_from([0.1, 1.0, 1.345, 5.0]))) if cls is Huber else cls()


def test_every_exported_loss_is_tested_and_named() -> None:
    assert set(TARGETS) == set(CLASSES)
    assert {family.loss for family in FAMILIES.values()} == set(CLASSES)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
@settings(max_examples=10)
@given(data=st.data(), n=st.integers(2, 7), seed=st.integers(0, 2**16))
def test_laws_hold(cls: type[Loss], data: st.DataObject, n: int, seed: int) -> None:
    y = TARGETS[cls](np.random.default_rng(seed), n)
    check_loss(data.draw(instances(cls)), y, seed, kinds=["numpy"])


@pytest.mark.parametrize("kind", ["torch", "jax"])
@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
def test_array_kinds_agree(cls: type[Loss], kind: str) -> None:
    if kind not in installed_kinds():
        pytest.skip(f"{kind} is not installed")
    for seed in range(2):
        check_loss(cls(), TARGETS[cls](np.random.default_rng(seed), 6), seed, kinds=[kind])


class TestValuesFromElsewhere:
    def test_logistic_is_minus_log_expit(self) -> None:
        for y, sign in ((1.0, 1.0), (0.0, -1.0)):
            rows = Logistic().pointwise(ETA, np.full(len(ETA), y))
            np.testing.assert_allclose(rows, -special.log_expit(sign * ETA), rtol=1e-14)

    def test_logistic_of_a_probability_is_the_cross_entropy(self) -> None:
        y, eta = np.linspace(0, 1, 7), np.linspace(-5, 5, 7)
        expected = -y * special.log_expit(eta) - (1 - y) * special.log_expit(-eta)
        np.testing.assert_allclose(Logistic().pointwise(eta, y), expected, rtol=1e-13)

    def test_logistic_derivative_keeps_the_digits_of_a_sure_row(self) -> None:
        slope = Logistic().derivative(np.array([40.0, -40.0]), np.array([1.0, 0.0]))
        np.testing.assert_allclose(slope, [-special.expit(-40.0), special.expit(-40.0)], rtol=1e-14)

    def test_multinomial_is_minus_log_softmax(self) -> None:
        eta = np.random.default_rng(0).normal(size=(8, 4)) * 20
        codes = np.arange(8) % 4
        expected = -special.log_softmax(eta, axis=1)[np.arange(8), codes]
        np.testing.assert_allclose(Multinomial().pointwise(eta, codes), expected, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(Multinomial().inverse_link(eta), special.softmax(eta, axis=1), rtol=1e-13)

    def test_two_classes_are_the_logistic_loss(self) -> None:
        y, eta = np.arange(9) % 2, np.linspace(-8, 8, 9)
        pair = np.stack([np.zeros(9), eta], axis=1)
        expected = Logistic().pointwise(eta, y)
        np.testing.assert_allclose(Multinomial().pointwise(pair, y), expected, rtol=1e-12)

    def test_huber_is_twice_scipys(self) -> None:
        y, eta = np.linspace(-4, 4, 41), np.full(41, 0.3)
        for delta in (0.1, 1.345, 10.0):
            np.testing.assert_allclose(
                Huber(delta).pointwise(eta, y), 2 * special.huber(delta, eta - y), rtol=1e-13, atol=1e-15
            )

    def test_poisson_is_minus_the_log_likelihood_without_the_factorial(self) -> None:
        stats = pytest.importorskip("scipy.stats")
        y, eta = np.array([0, 1, 2, 7, 30]), np.array([-2.0, 0.0, 1.5, 2.0, 3.4])
        expected = -stats.poisson.logpmf(y, np.exp(eta)) - special.gammaln(y + 1)
        np.testing.assert_allclose(Poisson().pointwise(eta, y), expected, rtol=1e-12)

    def test_squared_error_is_the_mean_over_outputs(self) -> None:
        y, eta = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[2.0, 2.0], [0.0, 1.0]])
        np.testing.assert_array_equal(SquaredError().pointwise(eta, y), [0.5, 12.5])
        assert SquaredError().value(eta, y, [1, 3]) == 9.5

    @pytest.mark.parametrize(
        ("loss", "y", "u"),
        [
            (SquaredError(), 0.7, -1.3),
            (Huber(0.8), -0.4, 1.5),
            (Logistic(), 1.0, -0.3),
            (Logistic(), 0.4, 0.35),
            (Poisson(), 3.0, -1.7),
            (Poisson(), 0.0, 2.2),
        ],
        ids=repr,
    )
    def test_conjugate_is_the_supremum(self, loss: Loss, y: float, u: float) -> None:
        def drop(eta: float) -> float:
            return float(loss.pointwise(np.array([eta]), np.array([y]))[0]) - u * eta

        best = optimize.minimize_scalar(drop, bounds=(-30, 30), method="bounded", options={"xatol": 1e-10})
        assert loss.conjugate(np.array([u]), np.array([y]))[0] == pytest.approx(-best.fun, rel=1e-9)

    def test_multinomial_conjugate_is_the_supremum(self) -> None:
        u, y = np.array([[-0.6, 0.5, 0.1]]), np.array([0])
        drop = optimize.minimize(
            lambda eta: float(Multinomial().pointwise(eta[None], y)[0] - u[0] @ eta), np.zeros(3)
        )
        # k = 3 is told by eta's shape, not by the single code
        assert Multinomial().conjugate(u, y)[0] == pytest.approx(-drop.fun, rel=1e-8)

    @pytest.mark.parametrize(
        ("loss", "y", "u"),
        [
            (Huber(1.0), [0.0, 0.0], [2.1, -2.1]),
            (Logistic(), [1.0, 0.0], [0.1, -0.1]),
            (Poisson(), [3.0, 0.0], [-3.1, -0.1]),
            (Multinomial(), [0, 1], [[0.1, -0.1], [0.3, -0.4]]),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_conjugate_is_infinite_outside_its_domain(self, loss: Loss, y: Any, u: Any) -> None:
        assert np.all(np.isinf(loss.conjugate(np.array(u), np.array(y))))

    def test_saturated(self) -> None:
        y = np.array([0.0, 0.25, 1.0])
        np.testing.assert_allclose(Logistic().saturated(y), special.entr(y) + special.entr(1 - y))
        np.testing.assert_allclose(Poisson().saturated(np.array([0.0, 1.0, 5.0])), [0, 1, 5 - 5 * np.log(5)])
        rows = np.array([[0.2, 0.8], [0.0, 1.0]])
        np.testing.assert_allclose(Multinomial().saturated(rows), special.entr(rows).sum(axis=1))
        assert not Multinomial().saturated(np.array([0, 1, 2])).any()

    def test_torch_has_the_same_losses(self) -> None:
        torch = pytest.importorskip("torch")
        F, rng = torch.nn.functional, np.random.default_rng(3)
        eta, y = torch.tensor(rng.normal(size=9)), torch.tensor(rng.normal(size=9))
        labels, logits = torch.tensor(np.arange(9) % 3), torch.tensor(rng.normal(size=(9, 3)))
        pairs = [
            (SquaredError().value(eta, y), F.mse_loss(eta, y)),
            (Huber(0.7).value(eta, y), 2 * F.huber_loss(eta, y, delta=0.7)),
            (Logistic().value(eta, y > 0), F.binary_cross_entropy_with_logits(eta, (y > 0).double())),
            (Multinomial().value(logits, labels), F.cross_entropy(logits, labels)),
            (Poisson().value(eta, y.abs()), F.poisson_nll_loss(eta, y.abs())),
        ]
        for mine, theirs in pairs:
            assert float(mine) == pytest.approx(float(theirs), rel=1e-12)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
class TestAutomaticDerivatives:
    def test_torch(self, cls: type[Loss]) -> None:
        torch = pytest.importorskip("torch")
        rng = np.random.default_rng(5)
        y = cls().check_target(TARGETS[cls](rng, 6))
        weight = rng.uniform(size=6)
        shape = (6, cls().outputs(y)) if cls().multi_output(y) else (6,)
        eta = torch.tensor(rng.normal(size=shape), requires_grad=True)
        value = cls().value(eta, y, weight)
        (automatic,) = torch.autograd.grad(value, eta)
        gradient = cls().gradient(eta.detach(), y, weight)
        np.testing.assert_allclose(gradient.numpy(), automatic.numpy(), rtol=1e-10, atol=1e-14)

    def test_jax_also_compiled(self, cls: type[Loss]) -> None:
        jax = pytest.importorskip("jax")
        rng = np.random.default_rng(6)
        y = cls().check_target(TARGETS[cls](rng, 6))
        shape = (6, cls().outputs(y)) if cls().multi_output(y) else (6,)
        eta = jax.numpy.asarray(rng.normal(size=shape), dtype="float32")
        automatic = jax.jit(jax.grad(lambda eta: cls().value(eta, y)))(eta)
        np.testing.assert_allclose(cls().gradient(eta, y), automatic, rtol=1e-4, atol=1e-6)


class TestSafety:
    def test_limits_at_extreme_predictors(self) -> None:
        eta = np.array([1e4, -1e4, 1e4, -1e4])
        y = np.array([1.0, 1.0, 0.0, 0.0])
        with np.errstate(all="raise", under="ignore"):
            np.testing.assert_array_equal(Logistic().pointwise(eta, y), [0, 1e4, 1e4, 0])
            np.testing.assert_array_equal(Logistic().derivative(eta, y), [0, -1, 1, 0])
            np.testing.assert_array_equal(Logistic().curvature(eta, y), np.zeros(4))
            np.testing.assert_array_equal(
                Multinomial().pointwise(np.array([[1e4, -1e4]] * 2), [0, 1]), [0, 2e4]
            )
            np.testing.assert_array_equal(Huber(1.0).derivative(eta, y), [2, -2, 2, -2])
            np.testing.assert_array_equal(Poisson().derivative(-np.abs(eta), y), -y)

    @pytest.mark.parametrize(("dtype", "last"), [("float64", 708.0), ("float32", 87.0)])
    def test_poisson_is_exact_as_far_as_the_dtype_goes(self, dtype: str, last: float) -> None:
        eta = np.array([last, 1e4], dtype=dtype)
        mean = Poisson().inverse_link(eta)
        np.testing.assert_allclose(mean[0], np.exp(np.float64(last)), rtol=1e-5)
        assert mean[0] < mean[1] < np.inf


class TestNullModels:
    def test_they_are_the_links_of_the_mean(self) -> None:
        w = np.array([1.0, 2.0, 5.0])
        assert Logistic().null(np.array([0, 1, 1]), w) == pytest.approx(special.logit(7 / 8))
        assert Poisson().null(np.array([0, 3, 2]), w) == pytest.approx(np.log(16 / 8))
        assert SquaredError().null(np.array([0, 3, 2]), w) == pytest.approx(2)
        shares = special.softmax(Multinomial().null(np.array([0, 2, 1]), w))
        np.testing.assert_allclose(shares, [1 / 8, 5 / 8, 2 / 8])

    def test_multinomial_null_is_centred(self) -> None:
        assert Multinomial().null(np.array([0, 1, 1, 2])).sum() == pytest.approx(0, abs=1e-14)

    def test_they_are_finite_where_no_best_constant_exists(self) -> None:
        assert Logistic().null(np.ones(3)) == -NEVER
        assert Logistic().null(np.zeros(3)) == NEVER
        assert Poisson().null(np.zeros(3)) == NEVER
        assert np.all(np.isfinite(Multinomial().null(np.array([0, 1, 2]), np.array([1.0, 1.0, 0.0]))))

    def test_huber_is_the_midpoint_where_an_interval_is_optimal(self) -> None:
        assert Huber(1.0).null(np.array([0.0, 10.0])) == pytest.approx(5)

    @given(seed=st.integers(0, 2**16), n=st.integers(1, 9), delta=st.sampled_from([0.05, 0.5, 1.345, 20.0]))
    def test_huber_solves_its_equation(self, seed: int, n: int, delta: float) -> None:
        rng = np.random.default_rng(seed)
        y = np.round(3 * rng.normal(size=n), int(rng.integers(0, 4)))
        weight = np.where(np.arange(n) == 0, 1, rng.integers(0, 4, size=n))
        location = Huber(delta).null(y, weight)
        psi = weight @ np.clip(location - y, -delta, delta) / weight.sum()
        assert psi == pytest.approx(0, abs=1e-12 * max(1, delta))

    def test_huber_with_a_wide_delta_is_the_mean(self) -> None:
        y = np.random.default_rng(0).normal(size=(20, 2))
        np.testing.assert_allclose(Huber(100.0).null(y), y.mean(axis=0), rtol=1e-12)


class TestTargets:
    @pytest.mark.parametrize(
        ("loss", "y", "message"),
        [
            (SquaredError(), [1.0, np.nan], r"y\[1\] is nan: drop or impute"),
            (SquaredError(), ["a", "b"], r"numeric y.*'a'"),
            (SquaredError(), [], "at least one row"),
            (SquaredError(), np.zeros((2, 2, 2)), r"\(2, 2, 2\)"),
            (Huber(), [[1.0, np.inf]], r"y\[\(0, 1\)\] is inf"),
            (Logistic(), [1, -1, 1], r"y\[1\] is -1.0: code the two classes as 0 and 1"),
            (Logistic(), [0, 1, 2], r"y\[2\] is 2.0.*Multinomial"),
            (Logistic(), [[0], [1]], r"shape \(n,\), and this one is \(2, 1\)"),
            (Poisson(), [3, -2], r"y\[1\] is -2.0"),
            (Poisson(), [[3, 2]], r"\(1, 2\)"),
            (Multinomial(), [0, 1.5], r"y\[1\] is 1.5: code the classes"),
            (Multinomial(), [0, -1], r"y\[1\] is -1.0"),
            (Multinomial(), [1, 2, 3], r"no row has class 0"),
            (Multinomial(), [0, 0], "at least two classes"),
            (Multinomial(), [[0.5, 0.6], [0.5, 0.5]], r"row 0 of y sums to 1.1"),
            (Multinomial(), [[1.5, -0.5]], r"y\[\(0, 1\)\] is -0.5"),
            (Multinomial(), [[1.0]], r"at least two columns"),
        ],
        ids=str,
    )
    def test_an_error_names_the_value(self, loss: Loss, y: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            loss.check_target(y)

    def test_float32_probabilities_are_rescaled(self) -> None:
        rows = np.random.default_rng(0).dirichlet(np.ones(5), size=50).astype(np.float32)
        np.testing.assert_allclose(Multinomial().check_target(rows).sum(axis=1), 1, rtol=1e-15)

    def test_booleans_are_zeros_and_ones(self) -> None:
        assert Logistic().check_target([True, False]).tolist() == [1.0, 0.0]

    @pytest.mark.parametrize("loss", [SquaredError(), Logistic(), Poisson(), Huber()], ids=repr)
    def test_a_predictor_of_another_shape_is_refused(self, loss: Loss) -> None:
        with pytest.raises(ValueError, match=r"eta is \(3, 1\)"):
            loss.pointwise(np.zeros((3, 1)), np.zeros(3))
        with pytest.raises(ValueError, match=r"\(3, 1\)"):
            loss.derivative(np.zeros(3), np.zeros((3, 1)))

    def test_outputs(self) -> None:
        assert SquaredError().outputs(np.zeros((4, 3))) == 3
        assert not SquaredError().multi_output(np.zeros(4))
        assert Multinomial().outputs(np.array([0, 2, 1])) == 3
        assert Multinomial().outputs(np.zeros((5, 4))) == 4


class TestNames:
    def test_a_name_or_a_loss(self) -> None:
        assert as_loss("poisson") == Poisson()
        assert as_loss(Huber(2.0)) == Huber(2.0)

    def test_errors_help(self) -> None:
        with pytest.raises(ValueError, match="did you mean 'logistic'"):
            as_loss("logistics")
        with pytest.raises(TypeError, match="squared"):
            as_loss(3)  # type: ignore[arg-type]

    @pytest.mark.parametrize("delta", [0.0, -1.0, np.nan, np.inf])
    def test_huber_refuses_a_delta_that_is_none(self, delta: float) -> None:
        with pytest.raises(ValueError, match=str(delta)):
            Huber(delta)


@pytest.mark.parametrize(
    ("link", "mean"),
    [
        (IdentityLink(), np.array([-2.0, 0.0, 3.0])),
        (LogitLink(), np.array([1e-20, 0.3, 1 - 1e-10])),
        (LogLink(), np.array([1e-20, 1.0, 1e9])),
        (SoftmaxLink(), np.array([[0.1, 0.2, 0.7], [1e-12, 0.5, 0.5 - 1e-12]])),
    ],
    ids=lambda value: type(value).__name__,
)
def test_links_go_there_and_back(link: Link, mean: Float) -> None:
    np.testing.assert_allclose(link.inverse(link.forward(mean)), mean, rtol=1e-12)


def broken(cls: type[Loss], **methods: Any) -> Loss:
    """An instance of ``cls`` with methods replaced."""
    return type(f"Broken{cls.__name__}", (cls,), methods)()


WAVE = {
    "pointwise": lambda self, eta, y: np.sin(eta - y),
    "derivative": lambda self, eta, y: np.cos(eta - y),
    "curvature": lambda self, eta, y: -np.sin(eta - y),
}
CODES = np.array([0.0, 1.0, 1.0, 0.0, 1.0])
BROKEN = {
    "derivative is that of pointwise": (
        broken(
            SquaredError, derivative=lambda self, eta, y: eta - y
        ),  # the ½ that this library does not have
        CODES,
    ),
    "curvature is that of pointwise": (
        broken(SquaredError, curvature=lambda self, eta, y: 0 * eta + 1),
        CODES,
    ),
    "value is the weighted mean": (
        broken(Logistic, value=lambda self, eta, y, weight=None: np.sum(self.pointwise(eta, y))),
        CODES,
    ),
    "gradient is the weighted derivative": (
        broken(Poisson, gradient=lambda self, eta, y, weight=None: self.derivative(eta, y) / len(y)),
        CODES,
    ),
    "null": (broken(SquaredError, null=lambda self, y, weight=None: np.asarray(np.median(y))), CODES),
    "null model sums to 0|beats the null": (
        broken(Poisson, null=lambda self, y, weight=None: np.log(np.average(y, weights=weight) + 1e-4)),
        CODES,
    ),
    "saturated is −conjugate": (broken(Poisson, saturated=lambda self, y: np.zeros(len(y))), 3 * CODES),
    "Fenchel–Young": (
        broken(SquaredError, conjugate=lambda self, u, y: u * y + u**2 / 2),
        CODES,
    ),
    "Fenchel–Young is an equality": (
        broken(SquaredError, conjugate=lambda self, u, y: u * y + u**2 / 4 + 0.01),
        CODES,
    ),
    "inverse_link": (broken(Poisson, inverse_link=lambda self, eta: eta), CODES),
    "curvature is nowhere negative": (broken(SquaredError, **WAVE), CODES),
    "overflow": (
        broken(Logistic, pointwise=lambda self, eta, y: np.log(1 + np.exp(eta)) - y * eta),
        CODES,
    ),
    "float32": (
        broken(
            Logistic,
            curvature=lambda self, eta, y: special.expit(np.float64(eta)) * special.expit(-np.float64(eta)),
        ),
        CODES,
    ),
    "unit_curvature": (broken(SquaredError, unit_curvature=lambda self, outputs: 1.0), CODES),
    "check_target refuses": (broken(Logistic, check_target=lambda self, y: np.float64(y)), CODES),
}


@pytest.mark.parametrize("law", BROKEN)
def test_laws_catch_a_broken_loss(law: str) -> None:
    loss, y = BROKEN[law]
    with pytest.raises(AssertionError, match=law):
        check_loss(loss, y, kinds=["numpy"])


def test_convexity_has_a_law_of_its_own() -> None:
    with pytest.raises(AssertionError, match="convex: below the chord"):
        convexity_law(Case(broken(SquaredError, **WAVE), CODES, 3.0, np.random.default_rng(0)))


def test_the_law_of_kinds_catches_a_loss_for_numpy_only() -> None:
    pytest.importorskip("torch")
    loss = broken(Logistic, inverse_link=lambda self, eta: special.expit(np.asarray(eta)))
    with pytest.raises(AssertionError, match="in kind"):
        check_loss(loss, CODES, kinds=["torch"])
