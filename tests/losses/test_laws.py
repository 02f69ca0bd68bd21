"""Every loss that taut exports passes every law; broken ones do not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from taut import losses
from taut.arrays import installed_kinds
from taut.families import FAMILIES
from taut.laws import check_loss
from taut.laws.loss import Case, convexity_law
from taut.losses import Gamma, Huber, Logistic, Loss, Multinomial, Poisson, SquaredError, Tweedie
from tests.losses.samples import Float

CLASSES = sorted(
    (
        c
        for c in (getattr(losses, name) for name in losses.__all__)
        if isinstance(c, type) and issubclass(c, Loss) and not c.__abstractmethods__
    ),
    key=lambda c: c.__name__,
)


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
    Gamma: lambda rng, n: rng.gamma(2.0, size=n),
    Tweedie: lambda rng, n: rng.gamma(2.0, size=n) * rng.integers(0, 2, size=n),
}


@st.composite
def instances(draw: st.DrawFn, cls: type[Loss]) -> Loss:
    if cls is Tweedie:  # nearer to 2, ℓ at y = 0 falls to its infimum more slowly than the law descends
        return Tweedie(draw(st.sampled_from([1.01, 1.2, 1.5, 1.6])))
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


@pytest.mark.sampled(4)
@pytest.mark.parametrize("kind", ["torch", "jax"])
@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
def test_array_kinds_agree(cls: type[Loss], kind: str) -> None:
    if kind not in installed_kinds():
        pytest.skip(f"{kind} is not installed")
    for seed in range(2):
        check_loss(cls(), TARGETS[cls](np.random.default_rng(seed), 6), seed, kinds=[kind])


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
