"""Hints never change a fit; a target that is fitted by its logarithm is told, tested and predicted in its own units."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from sklearn.linear_model import Lasso

import taut
from taut.cli.commands import main
from taut.tabular import prepare
from taut.tabular.options import Options
from taut.tabular.storing import run_record

N = 240
RNG = np.random.default_rng(11)
X = RNG.normal(size=(N, 3))
PRICE = np.exp(2 + X[:, 0] - 0.5 * X[:, 1] + 0.2 * RNG.normal(size=N))
DATA = pl.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "price": PRICE})


def hints(target: Any, **more: Any) -> tuple[str, ...]:
    columns = {
        "a": X[:, 0],
        "b": X[:, 1],
        **{k: v for k, v in more.items() if k in ("month", "x")},
        "y": target,
    }
    options = {k: v for k, v in more.items() if k not in columns}
    return prepare(pl.DataFrame(columns), Options.of("y", lam=0.1, **options)).setting.hints


class TestHints:
    def test_few_whole_numbers(self) -> None:
        stars = RNG.integers(1, 6, N)
        said = "y holds 5 different whole numbers (1 to 5): --task classification takes them as classes"
        assert hints(stars) == (said,)
        assert hints(stars, task="regression") == ()
        assert hints(stars, task="classification") == ()

    def test_counts(self) -> None:
        counts = np.r_[0, 9, RNG.poisson(1.5, N - 2)]
        assert hints(counts) == ("y holds counts, whole numbers from 0 to 9: --loss poisson models them",)
        assert hints(counts, loss="poisson") == ()

    def test_a_long_tail(self) -> None:
        assert hints(PRICE) == ("y is positive and has a long tail: --log-target fits its logarithm",)
        assert hints(PRICE, log_target=True) == ()
        assert hints(PRICE - PRICE.min()) == ()
        assert hints(RNG.normal(size=N)) == ()

    def test_codes(self) -> None:
        y = RNG.normal(size=N)
        said = "month looks like codes: --categorical month reads them as categories"
        assert hints(y, month=RNG.integers(1, 13, N)) == (said,)
        assert hints(y, month=RNG.integers(1, 13, N), categorical=("month",)) == ()
        assert hints(y, month=RNG.normal(size=N)) == ()
        assert hints(y, x=RNG.integers(1, 13, N)) == ()

    def test_an_id_that_is_the_only_column(self) -> None:
        frame = pl.DataFrame({"row": np.arange(N), "y": RNG.normal(size=N)})
        found = prepare(frame, Options.of("y", lam=0.1)).setting
        assert found.hints == (
            "row looks like an id, and is kept because it is the only column: --drop row if it is one",
        )

    def test_they_change_nothing_and_are_kept(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        fit = taut.fit(DATA, "price", lam=0.1)
        assert "Hint     price is positive" in str(fit)
        assert run_record(fit)["hints"] == [*fit.setting.hints]
        assert taut.load(fit.save(tmp_path / "m.safetensors")).setting.hints == fit.setting.hints
        monkeypatch.setattr("taut.tabular.inputs.find_hints", lambda *_: ())
        assert np.array_equal(taut.fit(DATA, "price", lam=0.1).predict(DATA), fit.predict(DATA))


class TestLogTarget:
    FIT = taut.fit(DATA, "price", log_target=True, cv=3, lambdas=20)

    def test_it_is_the_fit_of_the_logarithm(self) -> None:
        plain = taut.fit(DATA.with_columns(price=pl.col("price").log()), "price", cv=3, lambdas=20)
        assert self.FIT.index == plain.index
        np.testing.assert_allclose(self.FIT.predict(DATA), np.exp(plain.predict(DATA)), rtol=1e-12)
        np.testing.assert_allclose(self.FIT.scores.mean, plain.scores.mean, rtol=1e-12)  # type: ignore[union-attr]

    def test_the_test_is_in_the_units_of_the_target(self) -> None:
        found = prepare(DATA, Options.of("price", log_target=True, cv=3, lambdas=20))
        assert found.test is not None
        y, predicted = np.exp(found.test.y), np.exp(self.FIT.decide(found.test.X))
        chosen, null = self.FIT.tested[0], self.FIT.tested[-1]
        assert chosen.score == pytest.approx(np.sqrt(np.mean((y - predicted) ** 2)))
        assert chosen.second == pytest.approx(1 - np.sum((y - predicted) ** 2) / np.sum((y - y.mean()) ** 2))
        middle = np.exp(found.train.y.mean())
        assert null.score == pytest.approx(np.sqrt(np.mean((y - middle) ** 2)))

    def test_it_is_said(self, tmp_path: Path) -> None:
        said = str(self.FIT)
        assert "regression of log price (numbers; predictions and test in the units of price)" in " ".join(
            said.split()
        )
        assert "CV RMSE of log ± SE" in said
        assert "geometric mean only" in said
        assert "cv_rmse_of_log" in self.FIT.path_table().columns
        page = self.FIT.report(tmp_path / "r.html").read_text(encoding="utf-8")
        assert "the exponential of what was fitted, in the units of price" in page

    def test_it_survives_its_file(self, tmp_path: Path) -> None:
        again = taut.load(self.FIT.save(tmp_path / "m.safetensors"))
        assert np.array_equal(again.predict(DATA), self.FIT.predict(DATA))
        assert np.array_equal(again.compact().predict(DATA), self.FIT.predict(DATA))
        assert again.setting.target == self.FIT.setting.target
        assert "predictions and test in the units of price" in " ".join(str(again).split())

    def test_scikit_learn_has_the_same_model(self) -> None:
        found = prepare(DATA, Options.of("price", log_target=True))
        assert self.FIT.same_as is not None
        assert self.FIT.same_as.startswith(
            "sklearn.compose.TransformedTargetRegressor(sklearn.linear_model.Lasso(alpha="
        )
        alpha = float(self.FIT.same_as.partition("alpha=")[2].partition(")")[0])
        Z = (found.train.X - found.train.X.mean(axis=0)) / found.train.X.std(axis=0)
        coef = Lasso(alpha=alpha, tol=1e-12, max_iter=100_000).fit(Z, found.train.y).coef_
        ours = self.FIT.coefficients().sort("feature")["coef"].to_numpy() * found.train.X.std(axis=0)
        np.testing.assert_allclose(coef, ours, rtol=1e-4, atol=1e-8)

    @pytest.mark.skipif(not importlib.util.find_spec("onnxruntime"), reason="needs onnxruntime")
    def test_onnx_gives_the_units_of_the_target(self, tmp_path: Path) -> None:
        import onnxruntime

        session = onnxruntime.InferenceSession(str(self.FIT.export_onnx(tmp_path / "m.onnx")))
        cells = {node.name: DATA[node.name].to_numpy()[:, None] for node in session.get_inputs()}
        np.testing.assert_allclose(session.run(["prediction"], cells)[0], self.FIT.predict(DATA), rtol=1e-6)

    @pytest.mark.parametrize(
        ("data", "more", "message"),
        [
            (
                DATA.with_columns(price=pl.col("price") - 5),
                {},
                r"target 'price', row \d+: -.* has no logarithm",
            ),
            (DATA.with_columns(price=pl.col("price") > 5), {}, "log_target is for numbers"),
            (DATA, {"loss": "poisson"}, "leave out the loss"),
            (DATA, {"loss": "huber"}, "leave out the loss"),
            (DATA, {"task": "classification"}, "asks for classes"),
        ],
        ids=["not positive", "classes", "poisson", "huber", "task"],
    )
    def test_what_has_no_logarithm_is_refused(self, data: Any, more: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            taut.fit(data, "price", lam=0.1, log_target=True, **more)

    def test_on_the_command_line(self, tmp_path: Path) -> None:
        DATA.write_csv(tmp_path / "d.csv")
        words = [
            "fit",
            str(tmp_path / "d.csv"),
            "--target",
            "price",
            "--log-target",
            "--lam",
            "0.05",
            "--out",
            str(tmp_path / "m"),
        ]
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, done.output
        assert "log price" in done.output
        told = CliRunner().invoke(main, ["predict", str(tmp_path / "m"), str(tmp_path / "d.csv")])
        assert all(float(line) > 0 for line in told.output.splitlines()[1:])
