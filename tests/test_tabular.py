"""``taut.fit``: what it prints is true, what it predicts is what its table of coefficients says, and nothing leaks."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import sklearn.linear_model
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, d2_tweedie_score, log_loss, r2_score, root_mean_squared_error

import taut
from tables import N, features, fitted, table
from taut.design import DataError
from taut.model_file import ModelFileError
from taut.tabular import prepare
from taut.tabular.inputs import SplitRows
from taut.tabular.options import Options
from taut.tabular.storing import csv_text, from_archive, run_record, to_archive
from taut.tabular.test_scores import is_affordable
from taut.tabular.words.numbers import clock, finite, grouped, significant, with_error
from taut.tabular.words.page import content_of


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


class TestChoices:
    def test_weights_are_repetitions(self) -> None:
        data = features("price", "weight")
        repeated = data[np.repeat(np.arange(N), data["weight"].to_numpy())].drop("weight")
        one = taut.fit(data, "price", weights="weight", lam=0.2, test_size=0, tol=1e-10)
        two = taut.fit(repeated, "price", lam=0.2, test_size=0, tol=1e-10)
        first, second = one.coefficients().sort("feature"), two.coefficients().sort("feature")
        np.testing.assert_allclose(first["coef"], second["coef"], rtol=1e-6, atol=1e-9)

    def test_factors_by_column_name_reach_every_level(self) -> None:
        penalty = taut.L1(factors={"town": np.inf, "x2": 0.0})
        fit = taut.fit(features("price"), "price", penalty=penalty, cv=3, lambdas=8)
        coefs = fit.path.coefs  # type: ignore[attr-defined]
        names = np.array(fit.features)
        assert not coefs[:, np.char.startswith(names, "town=")].any()
        assert coefs[:, names == "x2"].all()
        with pytest.raises(ValueError, match="towm"):
            taut.fit(features("price"), "price", penalty=taut.L1(factors={"towm": 0.0}))

    def test_the_rule_chooses_the_place(self) -> None:
        low, strong = fitted("price"), fitted("price", rule="1se")
        assert low.index == low.scores.index_min
        assert strong.index == strong.scores.index_1se <= low.index
        assert "← chosen (--rule 1se)" in str(strong)

    def test_a_given_strength_needs_no_folds(self) -> None:
        fit = taut.fit(features("price"), "price", lam=0.2)
        assert (fit.lam, fit.scores) == (0.2, None)
        assert "--lam 0.2" in str(fit)

    def test_an_information_criterion(self) -> None:
        fit = taut.fit(features("price"), "price", lam="bic", lambdas=20)
        assert fit.scores is None
        assert 0 < fit.index < 20
        assert "--lam bic" in str(fit)

    def test_no_test_part(self) -> None:
        fit = taut.fit(features("price"), "price", lam=0.2, test_size=0)
        assert fit.tested == ()
        assert "no rows were held out" in str(fit)

    def test_numbers_can_be_classes_and_classes_numbers(self) -> None:
        data = table().select("x1", "x2", n=pl.col("weight"))
        assert taut.fit(data, "n", lam=0.1).classes == ()
        assert taut.fit(data, "n", "classification", lam=0.1).classes == (1, 2, 3)

    def test_a_network_says_what_was_taken(self) -> None:
        options: dict[str, Any] = {"hidden": (4,), "max_epochs": 2, "cv": 2, "lambdas": 5}
        judged, forced = fitted("price", **options), fitted("price", fallback="never", **options)
        assert "network 4 (relu, skip connection)" in str(judged)
        taken = r"^Taken    (linear|network): (the network's out-of-fold loss is|on every held-out row)"
        assert re.search(taken, str(judged), re.M)
        assert "Taken    network: as asked" in str(forced)
        assert "of 4 neurons" in str(forced)
        assert len(forced.coefficients().columns) == 2

    def test_a_network_says_what_is_zero_and_what_is_left(self) -> None:
        """The architecture is that of the compacted network, the counts are those of the path."""
        fit = fitted("price", hidden=(6, 3), lam=1e-3, fallback="never", max_epochs=200)
        told = " ".join(str(fit).split())
        path = fit.path
        live, small = path.live(0), path.compact(0)
        p = len(fit.features)
        before, after = f"{p}→6→3→1", f"{live.inputs.sum()}→{'→'.join(map(str, small.network.hidden))}→1"
        assert f"{before} became {after}" in told
        first, second, third, skip = path.layer_nonzeros[0]
        assert (
            f"weights not zero: {first} of {6 * p} in layer 1, {second} of 18 in layer 2, {third} of 3 in layer 3, "
            f"{skip} of {p} in the skip connection"
        ) in told
        assert 0 < first < 6 * p

    def test_restarts_and_the_finish_reach_the_training(self) -> None:
        options: dict[str, Any] = {"hidden": (4,), "max_epochs": 2, "lam": 1e-4, "fallback": "never"}
        plain = fitted("price", **options)
        finished = fitted("price", finish_iterations=60, **options)
        again = fitted("price", restarts=3, **options)
        residuals = [fit.path.certificates[0].value for fit in (plain, finished)]
        assert residuals[1] < 0.5 * residuals[0]
        assert again.path.objectives[0] <= plain.path.objectives[0] > finished.path.objectives[0]


class TestOffsets:
    """The column enters the predictor of every model that is fitted or judged, and is no feature."""

    TABLE = features("count").with_columns(exposure=pl.Series(np.linspace(-1.0, 1.5, N)))

    @pytest.mark.filterwarnings("ignore:ignored, not in training")
    def test_for_a_squared_loss_it_is_a_shift_of_the_target(self) -> None:
        data = features("price").with_columns(shift=pl.Series(np.linspace(-30.0, 40.0, N)))
        options = {"cv": 3, "lambdas": 8, "bootstrap": 3}
        fit = taut.fit(data, "price", offset="shift", **options)
        plain = taut.fit(
            data.with_columns(price=pl.col("price") - pl.col("shift")).drop("shift"), "price", **options
        )
        assert fit.features == plain.features
        assert fit.lam == pytest.approx(plain.lam)
        np.testing.assert_allclose(fit.layers.coefs[0], plain.layers.coefs[0], rtol=1e-6)
        assert [j.model for j in fit.tested] == [j.model for j in plain.tested]
        np.testing.assert_allclose([j.score for j in fit.tested], [j.score for j in plain.tested], rtol=1e-6)
        np.testing.assert_allclose(fit.evidence.test[:, 0], plain.evidence.test[:, 0], rtol=1e-6)
        np.testing.assert_allclose(fit.evidence.moments, plain.evidence.moments, atol=1e-9)
        np.testing.assert_allclose(fit.spread.target, plain.spread.target)
        np.testing.assert_allclose(
            fit.predict(data), plain.predict(data) + data["shift"].to_numpy(), rtol=1e-6
        )
        assert fit.same_as is None

    def test_the_test_scores_are_those_of_rates_times_exposure(self) -> None:
        options = {"loss": "poisson", "offset": "exposure", "cv": 3, "lambdas": 8}
        fit = taut.fit(self.TABLE, "count", **options)
        prepared = prepare(self.TABLE, Options.of("count", loss="poisson", offset="exposure"))
        train, test = prepared.train, prepared.test
        mean = np.exp(fit.layers.decision(test.X)[:, 0] + test.offset)
        chosen, *others = fit.tested
        assert chosen.score == pytest.approx(np.mean(mean - test.y * np.log(mean)))
        rate = test.y.sum() / np.exp(test.offset).sum()
        null = rate * np.exp(test.offset)
        expected = d2_tweedie_score(test.y, mean, power=1) - d2_tweedie_score(test.y, null, power=1)
        assert chosen.second == pytest.approx(expected / (1 - d2_tweedie_score(test.y, null, power=1)))
        assert others[-1].model == "null"
        known = train.y.sum() / np.exp(train.offset).sum() * np.exp(test.offset)
        assert others[-1].score == pytest.approx(np.mean(known - test.y * np.log(known)))

    @pytest.mark.parametrize(
        "options", [{"lam": 0.05}, {"hidden": (3,), "fallback": "never", "max_epochs": 2, "cv": 2}]
    )
    def test_rows_to_predict_need_it(self, options: dict[str, Any], tmp_path: Path) -> None:
        fit = taut.fit(self.TABLE, "count", loss="poisson", offset="exposure", lambdas=4, **options)
        loaded = taut.load(fit.save(tmp_path / "m.safetensors"))
        for model in (fit, loaded, fit.compact()):
            rate = model.predict(self.TABLE.with_columns(exposure=0.0))
            exposure = np.exp(self.TABLE["exposure"].to_numpy())
            np.testing.assert_allclose(model.predict(self.TABLE), exposure * rate)
            np.testing.assert_allclose(model.predict(self.TABLE, model.lam), exposure * rate, rtol=1e-6)
            with pytest.raises(DataError, match="offset column 'exposure' is missing"):
                model.predict(self.TABLE.drop("exposure"))
        gaps = self.TABLE.with_columns(
            exposure=pl.when(pl.int_range(pl.len()) == 4).then(None).otherwise("exposure")
        )
        with pytest.raises(DataError, match="offset column 'exposure', row 5"):
            fit.predict(gaps)

    def test_it_is_said(self) -> None:
        fit = taut.fit(self.TABLE, "count", loss="poisson", offset="exposure", lam=0.05)
        assert "lasso, offset exposure; intercept not penalised" in " ".join(str(fit).split())
        assert "mean and offset only" in " ".join(str(fit).split())
        assert any(
            "exposure is added as it stands" in paragraph.text for paragraph in content_of(fit).narrative
        )

    def test_a_file_whose_parts_disagree_is_damaged(self) -> None:
        fit = taut.fit(self.TABLE, "count", loss="poisson", offset="exposure", lam=0.05)
        archive = to_archive(fit)
        archive.document["setting"]["options"]["offset"] = None
        with pytest.raises(ModelFileError, match="agree on the offset"):
            from_archive(archive, "m", taut.Fit)


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"target": "prize"}, "no target column 'prize'; did you mean 'price'"),
            ({"weights": "wait"}, "no weights column 'wait'"),
            ({"weights": "price"}, "both the target and the weights"),
            ({"weights": "x1"}, "weights column 'x1', row 2"),
            ({"weights": "town"}, "missing or no number"),
            ({"weights": [1.0] * N}, "weights must be the name of a column"),
            ({"drop": "town", "keep": "town"}, "'town' is asked to be two things"),
            ({"task": "ranking"}, "task must be"),
            ({"loss": "logistic"}, "is for classes"),
            ({"penalty": "l3"}, "penalty must be one of"),
            ({"rule": "best"}, "rule must be one of"),
            ({"lam": -1.0}, "lam must be"),
            ({"hidden": (0,)}, "hidden must be"),
            ({"fallback": "sometimes"}, "fallback must be"),
        ],
    )
    def test_a_wrong_argument_is_named(self, change: dict[str, Any], message: str) -> None:
        data = features("price").with_columns(x1=pl.Series([1.0, -1.0, *[1.0] * (N - 2)]))
        with pytest.raises(ValueError, match=message):
            taut.fit(data, **{"target": "price", **change})

    def test_a_loss_that_does_not_suit_the_classes(self) -> None:
        with pytest.raises(ValueError, match="does not suit 3 classes"):
            taut.fit(features("kind"), "kind", loss="logistic")

    def test_a_table_with_only_a_target(self) -> None:
        with pytest.raises(DataError, match="no column besides the target"):
            taut.fit(table().select("price"), "price")


class TestJson:
    def test_what_is_not_finite_is_null(self) -> None:
        found = finite({"a": [1.0, float("nan"), (float("inf"), "nan")], "b": {"c": -float("inf")}, "d": 3})
        assert found == {"a": [1.0, None, [None, "nan"]], "b": {"c": None}, "d": 3}


class TestWords:
    @pytest.mark.parametrize(
        ("shown", "wanted"),
        [
            (grouped(1234567.4), "1 234 567"),
            (grouped(79412, -2), "79 400"),
            (grouped(float("nan")), "–"),
            (significant(0.0012345), "0.00123"),
            (significant(1.5e-7), "1.50e-07"),
            (significant(0), "0.00"),
            (with_error(79_412, 1_873), "79 400 ± 1 900"),
            (with_error(1.3274, 0.1062), "1.33 ± 0.11"),
            (with_error(0.5, float("nan")), "0.5000"),
            (clock(3725.4), "1:02:05"),
        ],
    )
    def test_numbers_are_written_for_readers(self, shown: str, wanted: str) -> None:
        assert shown == wanted

    def test_names_from_the_data_cannot_move_the_cursor(self) -> None:
        data = features("price").rename({"x1": "x\x1b[31m1", "town": "to\nwn"})
        printed = str(taut.fit(data, "price", lam=0.1))
        assert "\x1b" not in printed
        assert "x[31m1" in printed
        assert "town=Bb" in printed

    def test_no_line_is_too_wide(self) -> None:
        assert max(map(len, str(fitted("kind")).splitlines())) <= 100

    def test_cells_that_spreadsheets_would_run_are_guarded(self) -> None:
        written = csv_text(pl.DataFrame({"=SUM(A1)": ["@x", "+1", "-2", "\t3", "fine"], "n": [-1.0] * 5}))
        assert written.splitlines()[0] == "'=SUM(A1),n"
        assert written.splitlines()[1:] == ["'@x,-1.0", "'+1,-1.0", "'-2,-1.0", "'\t3,-1.0", "fine,-1.0"]

    def test_the_path_table_has_a_row_per_strength(self, tmp_path: Path) -> None:
        fit = fitted("price")
        found = pl.read_csv(fit.save(tmp_path / "p.taut") / "path.csv")
        assert found["lambda"].to_list() == fit.path.lambdas.tolist()
        np.testing.assert_allclose(found["cv_rmse"], np.sqrt(fit.scores.mean))
        assert found["marks"].to_list()[fit.index].endswith("min chosen")


# ---- weights and certificates -------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["price", "count", "sold"])
@pytest.mark.parametrize("lam", ["aic", "bic", "ebic"])
def test_frequency_weights_are_repeated_rows(target, lam, tmp_path):
    weighted = features(target, "weight")
    rows = weighted[np.repeat(np.arange(len(weighted)), weighted["weight"].to_list())].drop("weight")
    loss = "poisson" if target == "count" else None
    options = {"lam": lam, "test_size": 0.0, "lambdas": 20, "drop": ["row_id"], "loss": loss}
    counted = taut.fit(weighted, target, weights="weight", frequency_weights=True, **options)
    repeated = taut.fit(rows, target, numeric=["x1", "x2", "x3"], **options)
    assert counted.lam == pytest.approx(repeated.lam, rel=1e-3)
    assert counted.index == repeated.index
    counted.save(tmp_path / "counted")
    assert taut.load(tmp_path / "counted").setting.options.frequency_weights
    relative = taut.fit(weighted, target, weights="weight", **options)
    again = taut.fit(weighted.with_columns(pl.col("weight") * 0.01), target, weights="weight", **options)
    assert (relative.index, relative.lam) == (again.index, pytest.approx(again.lam))


def test_weights_that_count_repetitions_are_whole():
    half = features("price", "weight").with_columns(pl.col("weight") / 2)
    with pytest.raises(DataError, match="weights that count repetitions must be whole"):
        taut.fit(half, "price", weights="weight", frequency_weights=True)
    with pytest.raises(ValueError, match="name the column of weights"):
        taut.fit(half, "price", frequency_weights=True)


def test_a_fold_that_lacks_a_class_is_refused_by_the_label():
    rows = features("kind").sort(table()["kind"] == "middle")
    late = np.flatnonzero(rows["kind"].to_numpy() == "middle")
    splits = [(np.setdiff1d(np.arange(len(rows)), late), late)]
    with pytest.raises(ValueError, match="fold 1 of 1 trains on no row of class middle"):
        taut.fit(rows, "kind", cv=splits, test_size=0.0)


def test_bootstrap_fits_of_a_rare_class():
    rare = features("sold").with_columns(
        sold=pl.Series(["yes" if i % 30 == 0 else "no" for i in range(len(table()))])
    )
    for seed in range(3):
        fit = taut.fit(rare, "sold", bootstrap=20, seed=seed, lambdas=4, lam="aic", test_size=0.0)
        assert np.isfinite(fit.evidence.tradeoff.error).all()


def test_what_is_not_solved_is_told_in_the_summary_and_the_record():
    with pytest.warns(ConvergenceWarning, match="miss tol=1e-18"):
        fit = taut.fit(features("price"), "price", lam=0.1, tol=1e-18)
    certificate = fit.path.certificates[0]
    assert f"Unmet    the chosen λ = 0.1 has a relative duality gap of {certificate.value:.1e}" in str(fit)
    assert run_record(fit)["certificate"]["met"] is False
    assert "Unmet" not in str(fitted("price"))
