"""A loss and a penalty from outside the package pass the laws and then every door, each in under 40 lines."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, final

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from scipy.special import xlogy

import taut
import taut.laws
from taut.arrays import Array, Scalar, namespace
from taut.cli import main
from taut.families import Family
from taut.losses import BoundLoss, IdentityLink, LogLink, Loss
from taut.losses.targets import numbers, refuse, vector
from taut.model_file import ModelFileError
from taut.penalties import Penalty, Separable, Table, Traits
from taut.solvers.newton.solver import ProximalNewton

Float = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Rayleigh(Loss):
    """ℓ = y² e^−2η/4 + η/2: a quarter of Rayleigh's, of a scale e^η, up to constants (Johnson, Kotz and Balakrishnan 1994, ch. 18)."""

    link = LogLink()

    def pointwise(self, eta: Array, y: Array) -> Array:
        return self._ratio(eta, y) / 4 + eta / 2

    def derivative(self, eta: Array, y: Array) -> Array:
        return 0.5 - self._ratio(eta, y) / 2

    def curvature(self, eta: Array, y: Array) -> Array:
        return self._ratio(eta, y)

    def null(self, y: Array, weight: Array | None = None) -> Float:
        return np.log(np.average(np.square(y), weights=weight)) / 2

    def saturated(self, y: Array) -> Float:
        return 0.25 + np.log(y) / 2

    def conjugate(self, u: Array, y: Array) -> Float:
        v = 1 - 2 * np.asarray(u, dtype=np.float64)
        inside = np.maximum(v, 0.0)
        return np.where(v >= -1e-12, (xlogy(inside, inside / np.square(y)) - inside) / 4, np.inf)

    def check_target(self, y: object) -> Float:
        values = vector(numbers(y, "Rayleigh"), "Rayleigh")
        refuse(values <= 0, values, "Rayleigh", "y > 0", "leave such rows out")
        return values

    def multi_output(self, y: Array) -> bool:
        return False

    def outputs(self, y: Array) -> int:
        return 1

    def _ratio(self, eta: Array, y: Array) -> Array:
        eta, y = self.aligned(eta, y)
        return self.link.inverse(2 * namespace(eta).log(y) - 2 * eta)


@final
@dataclass(frozen=True, eq=False, repr=False)
class Log(Separable):
    """γ(λv)² log(1 + |w|/(γλv)): concave, its slope λv at 0 (Candès, Wakin and Boyd 2008, §2.2)."""

    lam: float = 1.0
    gamma: float = field(default=3.0, metadata={"above": 0.0})

    @property
    def traits(self) -> Traits:
        return Traits(convex=False, smooth=False, separable=True, weak_convexity=1 / self.gamma)

    def magnitude(self, a: Array, v: Array | float) -> Array:
        reach = self.gamma * self.lam * v + 1e-30
        return self.lam * v * reach * namespace(a).log1p(a / reach)

    def slope(self, a: Array, v: Array | float) -> Array:
        reach = self.gamma * self.lam * v + 1e-30
        return self.lam * v * reach / (a + reach)

    def shrink(self, z: Array, step: Array | float, v: Array | float) -> Array:
        xp, lam = namespace(z), self.lam * v
        size, reach = xp.abs(z), self.gamma * lam
        square = (size + reach) ** 2 - 4 * step * reach * lam
        root = (size - reach + xp.sqrt(xp.where(square > 0, square, 0 * square))) / 2
        return xp.where(size > step * lam, xp.sign(z) * root, 0 * z)

    def conjugate(self, u: Array) -> Scalar:
        raise ValueError("the penalty is not convex")

    def table(self, n: int) -> None:
        return None

    def majorant(self, w: Array) -> Table:
        return self.tangent(w)

    def at(self, lam: float) -> Self:
        return replace(self, lam=lam * self.lam)

    def merged(self, other: Penalty) -> None:
        return None


def rayleigh_likelihood(mean: float, y: Float, weight: Float, total: float) -> float:
    """But for what no fit changes."""
    return 8.0 * total * mean


RAYLEIGH = Family(
    "rayleigh", Rayleigh, "rayleigh loss", "rayleigh loss", unit="log mean", likelihood=rayleigh_likelihood
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4))
Y = RNG.gamma(4.0, np.exp(0.6 * X[:, 0] - 0.4 * X[:, 1]) / 4.0)
ROWS = pl.DataFrame({**{f"x{j}": X[:, j] for j in range(4)}, "y": Y})


@pytest.fixture
def rayleigh() -> Iterator[None]:
    taut.families.register(RAYLEIGH)
    yield
    taut.families.unregister("rayleigh")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path where an installed package says that it has the loss; nobody has imported it for its sake."""
    folder = tmp_path / "site" / "more_losses-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: more-losses\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(f"[taut.families]\nrayleigh = {__name__}:RAYLEIGH\n")
    monkeypatch.syspath_prepend(folder.parent)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    taut.families.FAMILIES.pop("rayleigh", None)


@pytest.mark.parametrize("cls", [Rayleigh, Log])
def test_each_takes_less_than_forty_lines(cls: type) -> None:
    assert sum(bool(line.strip()) for line in inspect.getsource(cls).splitlines()) < 40


def test_their_laws_hold() -> None:
    taut.laws.check_loss(Rayleigh(), RNG.gamma(2.0, size=6))
    taut.laws.check_penalty(Log(0.3))
    taut.laws.check_penalty(Log(0.3, factors=[1.0, 0.0, 2.0, np.inf, 1.0], lower=-1.0))


def certified(**options: Any) -> taut.Path:
    path = taut.fit_path(X, options.pop("y", Y), lambdas=6, **options)
    assert all(certificate.met for certificate in path.certificates)
    return path


class TestTheLoss:
    @pytest.mark.parametrize(
        "penalty",
        [
            taut.L1(),
            taut.L2(),
            taut.GroupLasso(groups=[0, 0, 1, 1]),
            taut.MCP(),
            Log(),
            taut.L1(factors=[0, 1, 1, 1]),
        ],
        ids=repr,
    )
    def test_has_certified_paths(self, penalty: Penalty) -> None:
        certified(loss=Rayleigh(), penalty=penalty)
        certified(
            loss=Rayleigh(), penalty=penalty, offset=X[:, 3], sample_weight=RNG.uniform(0.5, 2.0, size=len(Y))
        )

    def test_passes_the_laws_of_solvers(self) -> None:
        taut.laws.check_solver(ProximalNewton(), losses=[Rayleigh()], penalties=[taut.L1(), taut.L2()])

    def test_has_networks(self) -> None:
        path = taut.fit_path(X, Y, loss=Rayleigh(), lambdas=3, hidden=(4,), random_state=0, max_epochs=40)
        assert path.losses[-1] < 0.9 * path.null_loss

    @pytest.mark.usefixtures("rayleigh")
    def test_is_fitted_by_estimators(self) -> None:
        model = taut.Regressor(loss="rayleigh", cv=3, lambdas=6, random_state=0).fit(X, Y)
        assert model.loss_ == Rayleigh()
        assert model.coef_[0] > 0.0 > model.coef_[1]
        same = taut.Regressor(loss=Rayleigh(), cv=3, lambdas=6, random_state=0).fit(X, Y)
        np.testing.assert_array_equal(same.coef_, model.coef_)
        for name in ("aic", "bic"):
            assert taut.Regressor(loss="rayleigh", lam=name, lambdas=6).fit(X, Y).coef_.any()
        network = taut.Regressor(loss="rayleigh", hidden=(3,), cv=3, lambdas=3, max_epochs=5, random_state=0)
        assert network.fit(X, Y).predict(X).min() > 0.0

    def test_has_no_criteria_without_a_likelihood(self) -> None:
        with pytest.raises(ValueError, match="Rayleigh has no likelihood"):
            taut.Regressor(loss=Rayleigh(), lam="aic", lambdas=6).fit(X, Y)

    @pytest.mark.usefixtures("rayleigh")
    def test_is_fitted_to_tables_reported_and_saved(self, tmp_path: Path) -> None:
        fit = taut.fit(ROWS, target="y", loss="rayleigh", cv=3, lambdas=6)
        assert "rayleigh loss" in str(fit)
        assert "none known" in str(fit) or "sklearn" not in str(fit)
        fit.report(tmp_path / "fit.html")
        assert "rayleigh loss" in (tmp_path / "fit.html").read_text(encoding="utf-8")
        fit.save(tmp_path / "fit.safetensors")
        again = taut.load(tmp_path / "fit.safetensors")
        np.testing.assert_array_equal(again.predict(ROWS), fit.predict(ROWS))
        assert again.loss == Rayleigh()

    @pytest.mark.usefixtures("rayleigh")
    def test_a_target_that_it_does_not_take_is_named(self) -> None:
        bad = ROWS.with_columns(
            pl.when(pl.int_range(pl.len()) == 3).then(0.0).otherwise(pl.col("y")).alias("y")
        )
        with pytest.raises(ValueError, match=r"Rayleigh needs y > 0, and y\[3\] is 0.0"):
            taut.fit(bad, target="y", loss="rayleigh")

    def test_is_found_by_the_command_line_where_a_package_declares_it(self, installed: Path) -> None:
        ROWS.write_csv("rows.csv")
        run = CliRunner().invoke
        asked = ["fit", "rows.csv", "--target", "y", "--loss", "rayleigh", "--cv", "3", "--out", "model"]
        done = run(main, asked)
        assert (done.exit_code, "rayleigh loss" in done.output) == (0, True), done.output
        assert "'rayleigh'" in run(main, [*asked[:4], "--loss", "raleigh"]).output
        del taut.families.FAMILIES["rayleigh"]
        assert run(main, ["predict", "model", "rows.csv", "--out", "found.csv"]).exit_code == 0
        assert pl.read_csv("found.csv").height == len(Y)

    @pytest.mark.usefixtures("rayleigh")
    def test_a_file_of_a_loss_that_nobody_knows_says_its_name(self, tmp_path: Path) -> None:
        taut.fit(ROWS, target="y", loss="rayleigh", cv=3, lambdas=6).save(tmp_path / "fit.safetensors")
        taut.families.unregister("rayleigh")
        with pytest.raises(ModelFileError, match="there is no loss 'rayleigh'"):
            taut.load(tmp_path / "fit.safetensors")
        taut.families.register(RAYLEIGH)

    def test_must_be_registered_to_be_saved(self, tmp_path: Path) -> None:
        fit = taut.fit(ROWS, target="y", loss=Rayleigh(), cv=3, lambdas=6)
        with pytest.raises(ValueError, match=r"taut\.families\.register"):
            fit.save(tmp_path / "fit.safetensors")

    @pytest.mark.usefixtures("rayleigh")
    def test_a_name_is_taken_once(self) -> None:
        assert taut.families.register(RAYLEIGH) is RAYLEIGH
        with pytest.raises(ValueError, match="'poisson' already"):
            taut.families.register(replace(RAYLEIGH, loss=taut.Poisson))


class TestThePenalty:
    @pytest.mark.parametrize("loss", ["squared", "logistic", "poisson", "huber"])
    def test_has_certified_paths(self, loss: str) -> None:
        y = {"logistic": 1.0 * (Y > 1.0), "poisson": np.round(Y)}.get(loss, Y)
        rare = certified(y=y, loss=loss, penalty=Log())
        assert 0 < rare.nonzeros[1] < 4
        certified(y=y, loss=loss, penalty=Log(factors=[1.0, 0.0, 2.0, np.inf], upper=0.3))

    def test_lies_at_the_same_point_as_proximal_gradient_steps(self) -> None:
        path, other = (certified(penalty=Log(), solver=s, tol=1e-9) for s in (None, "proximal-gradient"))
        np.testing.assert_allclose(path.coefs, other.coefs, atol=1e-6)

    def test_is_not_lowered_to_the_moments_or_tables_that_it_has_not(self) -> None:
        for solver in ("moments", "working-set", "coordinate-descent", "newton"):
            with pytest.raises(TypeError):
                taut.fit_path(X, Y, penalty=Log(), solver=solver, lambdas=3)

    def test_has_several_outputs_and_a_penalised_intercept(self) -> None:
        certified(y=np.column_stack([Y, X[:, 0]]), penalty=Log())
        certified(y=np.digitize(Y, [0.5, 1.0]), loss="multinomial", penalty=Log())
        certified(penalty=Log(), penalize_biases=True)

    def test_has_networks(self) -> None:
        path = taut.fit_path(X, Y, penalty=Log(), lambdas=3, hidden=(4,), random_state=0, max_epochs=40)
        assert path.losses[-1] < 0.9 * path.null_loss

    def test_is_fitted_by_estimators(self) -> None:
        assert taut.Regressor(penalty=Log(), cv=3, lambdas=6).fit(X, Y).coef_[0] > 0.0
        assert taut.Classifier(penalty=Log(), cv=3, lambdas=4).fit(X, Y > 1.0).coef_[0, 0] > 0.0
        with pytest.raises(ValueError, match="degrees of freedom of Log are not known"):
            taut.Regressor(penalty=Log(), lam="aic", lambdas=6).fit(X, Y)

    def test_is_fitted_to_tables_reported_and_saved(self, tmp_path: Path) -> None:
        fit = taut.fit(ROWS, target="y", penalty=Log(), cv=3, lambdas=6)
        assert "Log" in str(fit)
        fit.report(tmp_path / "fit.html")
        fit.save(tmp_path / "fit.safetensors")
        again = taut.load(tmp_path / "fit.safetensors")
        np.testing.assert_array_equal(again.predict(ROWS), fit.predict(ROWS))


def recipes() -> list[str]:
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, flags=re.M | re.S)


@pytest.mark.parametrize("code", recipes(), ids=["penalty", "loss", "solver"])
def test_the_recipes_of_contributing_run_as_printed(code: str) -> None:
    known = set(taut.families.FAMILIES)
    try:
        exec(compile(code, "CONTRIBUTING.md", "exec", dont_inherit=True), {"__name__": "recipe"})
    finally:
        for name in set(taut.families.FAMILIES) - known:
            taut.families.unregister(name)


@final
class Profiled(BoundLoss):
    """Σ s (r − r̄)² of r = η − y with its weighted mean r̄: rows that hang together, as in a partial likelihood."""

    def _residual(self, eta: Float) -> Float:
        r = eta - self.y
        return r - self.weight @ r

    def value(self, eta: Float) -> float:
        return float(self.weight @ self._residual(eta) ** 2)

    def gradient(self, eta: Float) -> Float:
        return 2.0 * self.weight * self._residual(eta)

    def curvature(self, eta: Float, share: float = 1.0) -> Float:
        return np.full_like(eta, 2.0)

    def conjugate(self, u: Float, share: float = 1.0) -> float:
        rows = self.weight > 0.0
        part = share * u[rows]
        return float(part @ self.y[rows] + np.sum(part**2 / (4.0 * self.weight[rows])))

    def saturated(self) -> float:
        return 0.0


@final
@dataclass(frozen=True)
class ProfiledSquares(Loss):
    """The squared loss at its best intercept: ``bind`` says what it is, and no row has a loss of its own."""

    link = IdentityLink()

    def bind(self, y: Float, weight: Float, offset: Float | None = None) -> BoundLoss:
        return Profiled(self, y, weight, offset)

    def pointwise(self, eta: Array, y: Array) -> Array:
        raise AssertionError("a row has no loss of its own")

    derivative = curvature = conjugate = saturated = pointwise

    def null(self, y: Array, weight: Array | None = None) -> Float:
        return np.zeros(())

    def check_target(self, y: object) -> Float:
        return vector(numbers(y, "ProfiledSquares"), "ProfiledSquares")

    def multi_output(self, y: Array) -> bool:
        return False

    def outputs(self, y: Array) -> int:
        return 1


@pytest.mark.parametrize("solver", [None, "newton", "proximal-gradient"])
@pytest.mark.parametrize("penalty", [taut.L1(), taut.GroupLasso(groups=[0, 0, 1, 1])], ids=repr)
def test_a_loss_whose_rows_hang_together_brings_its_own_bound_loss(
    penalty: Penalty, solver: str | None
) -> None:
    weight = RNG.uniform(0.5, 2.0, size=len(Y))
    options = {"penalty": penalty, "standardize": False, "sample_weight": weight, "tol": 1e-9}
    expected = taut.fit_path(X, Y, lambdas=6, **options)
    if solver == "newton" and isinstance(penalty, taut.GroupLasso):
        solver = "group-newton"
    path = taut.fit_path(
        X, Y, loss=ProfiledSquares(), lambdas=expected.lambdas, fit_intercept=False, solver=solver, **options
    )
    assert all(certificate.met for certificate in path.certificates)
    np.testing.assert_allclose(path.coefs, expected.coefs, atol=1e-5)
