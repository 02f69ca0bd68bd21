"""What ``taut.fit`` predicts is what its coefficients say, and nothing leaks."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import polars as pl
import pytest
import sklearn.linear_model
from sklearn.metrics import accuracy_score, log_loss, r2_score, root_mean_squared_error

import taut
from taut.design import DataError
from taut.tabular import prepare
from taut.tabular.inputs import SplitRows
from taut.tabular.options import Options
from taut.tabular.test_scores import is_affordable
from tests.tables import N, features, fitted, table


def prepared_rows(target: str, **options: Any) -> Any:
    return prepare(features(target), Options.of(target, **options))


class TestEquivalents:
    """The line "Same as" is a program: run, it gives the coefficients that are printed beside it."""

    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    @pytest.mark.parametrize(
        ("target", "options"),
        [
            ("price", {"penalty": "l1"}),
            ("price", {"penalty": "l2"}),
            ("price", {"penalty": "elasticnet", "l1_ratio": 0.3}),
            ("price", {"penalty": "l1", "lam": 0.0}),
            ("price", {"penalty": "l2", "weights": "weight"}),
            ("sold", {"penalty": "l1"}),
            ("sold", {"penalty": "l2"}),
            ("sold", {"penalty": "elasticnet"}),
            ("sold", {"penalty": "l2", "weights": "weight"}),
            ("kind", {"penalty": "l2"}),
            ("count", {"penalty": "l2", "loss": "poisson"}),
        ],
    )
    def test_the_printed_call_gives_the_printed_coefficients(
        self, target: str, options: dict[str, Any]
    ) -> None:
        weights = [options["weights"]] if "weights" in options else []
        options = {"lam": 0.05, "tol": 1e-12, **options}
        data = features(target, *weights)
        fit = taut.fit(data, target, **options)
        assert fit.same_as is not None
        assert f"Same as  {fit.same_as}" in str(fit).replace("\n         ", " ")
        name, arguments = re.fullmatch(r"sklearn\.linear_model\.(\w+)\((.*)\)", fit.same_as).groups()
        given = dict(argument.split("=") for argument in arguments.split(", ") if argument)
        values = {k: v.strip("'") if k == "solver" else float(v) for k, v in given.items()}
        model = getattr(sklearn.linear_model, name)(**values)
        iterations = {"max_iter": 200_000, "tol": 1e-11} if "tol" in model.get_params() else {}
        model.set_params(**{k: v for k, v in iterations.items() if k in model.get_params()})
        train = prepare(data, Options.of(target, **options)).train
        scaled = (train.X - np.average(train.X, axis=0, weights=train.weight)) / fit.spread.features
        model.fit(scaled, train.y, sample_weight=train.weight if weights else None)
        expected = np.atleast_2d(model.coef_).T / fit.spread.features[:, None]
        np.testing.assert_allclose(
            fit.layers.coefs[0], expected, rtol=2e-4, atol=2e-5 * np.abs(expected).max()
        )

    @pytest.mark.parametrize(
        ("target", "options"),
        [
            ("price", {"loss": "huber"}),
            ("price", {"penalize_biases": True}),
            ("price", {"penalty": taut.MCP()}),
            ("price", {"penalty": taut.L1(factors={"town": 2.0})}),
            ("count", {"loss": "poisson"}),
        ],
    )
    def test_where_there_is_no_equivalent_nothing_is_claimed(
        self, target: str, options: dict[str, Any]
    ) -> None:
        fit = taut.fit(features(target), target, lam=0.1, **options)
        assert fit.same_as is None
        assert "Same as" not in str(fit)


@pytest.mark.filterwarnings("ignore:ignored, not in training")
class TestPredictions:
    def test_the_table_of_coefficients_is_the_model(self) -> None:
        fit = fitted("price")
        rows = prepared_rows("price").train.X
        coefs = dict(
            zip(*fit.coefficients().select("feature", "coef").to_dict(as_series=False).values(), strict=True)
        )
        by_hand = rows @ [coefs[name] for name in fit.features] + fit.intercept[0]
        np.testing.assert_allclose(fit.decide(rows), by_hand, rtol=1e-12)
        scaled = fit.coefficients()["coef_standardized"].abs().to_list()
        assert scaled == sorted(scaled, reverse=True)

    def test_standardized_coefficients_are_those_of_the_path(self) -> None:
        fit = fitted("price")
        found = dict(fit.coefficients().select("feature", "coef_standardized").iter_rows())
        expected = fit.path.standardized_coefs[fit.index]  # type: ignore[attr-defined]
        np.testing.assert_allclose([found[n] for n in fit.features], expected, rtol=1e-10)

    def test_classes_come_back_as_they_stand_in_the_table(self) -> None:
        fit = fitted("kind")
        shares = fit.predict_proba(table())
        assert fit.classes == ("high", "low", "middle")
        assert fit.predict(table()).tolist() == [fit.classes[k] for k in shares.argmax(axis=1)]
        np.testing.assert_allclose(shares.sum(axis=1), 1.0)
        two = fitted("sold")
        assert set(two.predict(table())) == {"no", "yes"}
        assert ((two.predict_proba(table())[:, 1] > 0.5) == (two.predict(table()) == "yes")).all()

    def test_numbers_have_no_probabilities(self) -> None:
        with pytest.raises(DataError, match="'price' is a number"):
            fitted("price").predict_proba(table())

    def test_the_target_need_not_be_there_and_new_columns_are_said(self) -> None:
        fit = fitted("price")
        bare = features("price").drop("price")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            expected = fit.predict(bare)
        with pytest.warns(UserWarning, match="ignored, not in training: extra"):
            found = fit.predict(bare.with_columns(extra=1))
        assert np.array_equal(found, expected)

    def test_an_unseen_level_warns_once(self) -> None:
        rows = features("price").with_columns(town=pl.lit("Zz"))
        with pytest.warns(UserWarning, match="'Zz' not seen") as caught:
            fitted("price").predict(rows)
        assert len(caught) == 1

    def test_a_missing_column_is_named(self) -> None:
        with pytest.raises(DataError, match="column 'x2' is missing"):
            fitted("price").predict(features("price").drop("x2"))

    def test_another_strength_of_the_path(self) -> None:
        fit = fitted("price")
        rows = features("price")
        assert np.array_equal(fit.predict(rows, fit.lam), fit.predict(rows))
        null = fit.predict(rows, fit.path.lambdas[0])
        assert np.ptp(null) == pytest.approx(0, abs=1e-9)
        kept = fit.coefficients(float(fit.path.lambdas[2])).filter(pl.col("coef") != 0)
        assert len(kept) == fit.path.nonzeros[2]


class TestHonesty:
    def test_the_test_scores_are_what_scikit_learn_computes(self) -> None:
        fit, test = fitted("price"), prepared_rows("price").test
        chosen = {j.model: j for j in fit.tested}
        predicted = fit.predictions(fit.decide(test.X))
        assert chosen["chosen"].score == pytest.approx(root_mean_squared_error(test.y, predicted))
        assert chosen["chosen"].second == pytest.approx(r2_score(test.y, predicted))
        mean = np.full(len(test.y), prepared_rows("price").train.y.mean())
        assert chosen["null"].score == pytest.approx(root_mean_squared_error(test.y, mean))

    @pytest.mark.parametrize("target", ["sold", "kind"])
    def test_so_are_those_of_classes(self, target: str) -> None:
        fit, test = fitted(target), prepared_rows(target).test
        shares = fit.probabilities(fit.decide(test.X))
        assert fit.tested[0].score == pytest.approx(log_loss(test.y, shares))
        assert fit.tested[0].second == pytest.approx(accuracy_score(test.y, shares.argmax(axis=1)))

    def test_the_unpenalised_fit_is_least_squares(self) -> None:
        prepared = prepared_rows("price")
        model = sklearn.linear_model.LinearRegression().fit(prepared.train.X, prepared.train.y)
        expected = root_mean_squared_error(prepared.test.y, model.predict(prepared.test.X))
        (found,) = [j for j in fitted("price").tested if j.model == "unpenalised"]
        assert found.score == pytest.approx(expected, rel=1e-8)
        assert found.note == "not unique"  # a level of town is what the others are not

    def test_an_unpenalised_fit_that_takes_longer_than_the_path_is_left_out(self) -> None:
        """One of 40 classes × 50 columns solves 2,000 equations a hundred times; one number, 50."""
        train = SplitRows(np.zeros((120, 50)), np.arange(120) % 40.0, np.ones(120))
        assert not is_affordable(train, taut.Multinomial())
        assert is_affordable(train, taut.SquaredError())
        few = SplitRows(np.zeros((120, 5)), np.arange(120) % 40.0, np.ones(120))
        assert is_affordable(few, taut.Multinomial())

    def test_test_rows_do_not_reach_the_path(self) -> None:
        """Whatever stands in the test rows, nothing that was learned changes."""
        data = features("price").with_row_index("row")
        train = prepared_rows("price").train.y
        held_out = ~data["price"].is_in(train.tolist())
        wild = data.with_columns(
            pl.when(held_out).then(1e6).otherwise(pl.col("x1")).alias("x1"),
            pl.when(held_out).then(pl.lit("Elsewhere")).otherwise(pl.col("town")).alias("town"),
        ).drop("row")
        first, second = fitted("price"), taut.fit(wild, "price", cv=3, lambdas=8)
        assert held_out.sum() == 18
        assert np.array_equal(first.path.coefs, second.path.coefs)  # type: ignore[attr-defined]
        assert first.setting.preparation == second.setting.preparation
        assert first.tested[0].score != second.tested[0].score

    def test_the_same_seed_gives_the_same_fit_and_another_another(self) -> None:
        again = taut.fit(features("price"), "price", cv=3, lambdas=8)
        assert np.array_equal(again.path.coefs, fitted("price").path.coefs)  # type: ignore[attr-defined]
        assert np.array_equal(again.scores.folds, fitted("price").scores.folds)
        assert again.lam != taut.fit(features("price"), "price", cv=3, lambdas=8, seed=1).lam

    def test_rows_without_a_target_are_left_out_and_said(self) -> None:
        data = features("price").with_columns(
            price=pl.when(pl.col("x1") > 1).then(None).otherwise(pl.col("price"))
        )
        fit = taut.fit(data, "price", lam=0.1)
        gone = data["price"].null_count()
        assert fit.setting.sizes.dropped == gone
        assert fit.setting.sizes.train + fit.setting.sizes.test == N - gone
        assert f"{gone} rows without a target left out" in " ".join(str(fit).split())
