"""Weights, factors, rules, criteria, networks and offsets through ``taut.fit``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import d2_tweedie_score, mean_poisson_deviance

import taut
from taut.design import DataError
from taut.model_file import ModelFileError
from taut.tabular import prepare, run_record
from taut.tabular.options import Options
from taut.tabular.storing import from_archive, to_archive
from taut.tabular.words.page import content_of
from tests.tables import N, features, fitted, table


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
        assert "of 40 neurons" in str(forced)  # 4 in each of the ten networks
        assert "the mean of 10 networks of the folds, as one network (--final refit" in " ".join(
            str(forced).split()
        )
        assert len(forced.coefficients().columns) == 2

    def test_the_mean_of_networks_is_told_and_kept_as_one(self) -> None:
        options: dict[str, Any] = {"hidden": (4,), "max_epochs": 30, "cv": 5, "lambdas": 4}
        fit = fitted("price", fallback="never", **options)
        matrices = (*fit.layers.coefs, fit.layers.skip)
        assert fit.members == 10
        assert fit.layers.coefs[0].shape[1] == 40
        assert fit.nonzeros == sum(np.count_nonzero(matrix) for matrix in matrices) > 0
        assert run_record(fit)["nonzeros"] == fit.nonzeros
        assert f"{fit.nonzeros} kept" in repr(fit)
        small, data = fit.compact(), features("price")
        np.testing.assert_allclose(small.predict(data), fit.predict(data))
        assert small.layers.coefs[0].size <= fit.layers.coefs[0].size
        first, direct = fit.layers.coefs[0] / np.sqrt(10), fit.layers.skip / fit.spread.target
        sent = np.linalg.norm(np.hstack([first, direct]), axis=1) * fit.spread.features
        table = fit.coefficients()
        np.testing.assert_allclose(np.sort(table["weight_norm"]), np.sort(sent))
        told = " ".join(paragraph.text for paragraph in content_of(fit).narrative)
        assert (
            "the mean of 10 networks of the folds, as one network; the path has one network of all rows"
            in told
        )

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
        assert chosen.score == pytest.approx(mean_poisson_deviance(test.y, mean))
        rate = test.y.sum() / np.exp(test.offset).sum()
        null = rate * np.exp(test.offset)
        expected = d2_tweedie_score(test.y, mean, power=1) - d2_tweedie_score(test.y, null, power=1)
        assert chosen.second == pytest.approx(expected / (1 - d2_tweedie_score(test.y, null, power=1)))
        assert others[-1].model == "null"
        known = train.y.sum() / np.exp(train.offset).sum() * np.exp(test.offset)
        assert others[-1].score == pytest.approx(mean_poisson_deviance(test.y, known))

    @pytest.mark.parametrize(
        "options",
        [{"lam": 0.05}, {"hidden": (3,), "fallback": "never", "max_epochs": 2, "cv": 2, "final": "refit"}],
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
