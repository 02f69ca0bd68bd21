"""Which class a coefficient speaks for, and what the test says of classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import confusion_matrix, log_loss, roc_auc_score

import taut
from taut.tabular import Options, prepare
from taut.tabular.confusion import area_under_curve, confusion_of
from taut.tabular.storing import run_record
from taut.tabular.words.layout import WIDTH
from taut.tabular.words.narrative import narrative
from taut.tabular.words.page import content_of
from tests.tables import features, fitted

RNG = np.random.default_rng(0)


def credit() -> taut.Fit:
    """A table whose classes have names that say what they are."""
    data = features("sold").with_columns(pl.col("sold").replace({"yes": "good", "no": "bad"}))
    return taut.fit(data, "sold", cv=3, lambdas=8)


class TestOfTwoClasses:
    FIT = credit()

    def test_the_second_is_named_beside_coefficients(self) -> None:
        assert "log odds of good" in str(self.FIT)
        assert self.FIT.coefficients()["class"].unique().to_list() == ["good"]
        assert run_record(self.FIT)["coefficients_are"] == "log odds of good"
        assert run_record(self.FIT)["classes"] == ["bad", "good"]
        page = content_of(self.FIT)
        assert "log odds of good" in page.tables[0].caption
        assert any("a positive one makes good more likely" in part.text for part in narrative(self.FIT))

    def test_a_positive_coefficient_makes_it_more_likely(self) -> None:
        data = features("sold").with_columns(pl.col("sold").replace({"yes": "good", "no": "bad"}))
        strongest = self.FIT.coefficients().row(0, named=True)
        assert strongest["feature"] == "x1"
        more = data.with_columns(pl.col("x1") + np.sign(strongest["coef"]))
        shift = self.FIT.predict_proba(more)[:, 1] - self.FIT.predict_proba(data)[:, 1]
        assert (shift > 0).all()

    def test_a_label_that_says_nothing_has_its_column_before_it(self) -> None:
        assert "log odds of sold=yes" in str(fitted("sold"))

    def test_the_test_part_is_what_scikit_learn_says(self, tmp_path: Path) -> None:
        fit = fitted("sold")
        test = prepare(features("sold"), Options.of("sold", cv=3, lambdas=8)).test
        eta = fit.layers.decision(test.X)[:, 0]
        mean = 1 / (1 + np.exp(-eta))
        assert np.array_equal(fit.confusion.counts, confusion_matrix(test.y, eta > 0))
        assert fit.confusion.auc == pytest.approx(roc_auc_score(test.y, eta))
        rows = [log_loss([y], [m], labels=[0, 1]) for y, m in zip(test.y, mean, strict=True)]
        assert fit.tested[0].error == pytest.approx(np.std(rows, ddof=1) / np.sqrt(len(rows)))
        again = taut.load(fit.save(tmp_path / "m.taut"))
        assert str(again) == str(fit)
        assert np.array_equal(again.confusion.counts, fit.confusion.counts)
        assert run_record(again)["confusion"] == fit.confusion.counts.tolist()
        assert f"AUC {fit.confusion.auc:.3f}" in str(fit)


class TestOfMoreClasses:
    FIT = fitted("kind")

    def test_each_coefficient_has_its_class(self) -> None:
        assert set(self.FIT.coefficients()["class"]) == {"high", "low", "middle"}
        assert "log P of the class" in str(self.FIT)

    def test_the_matrix_is_in_the_summary_and_in_the_report(self) -> None:
        lines = str(self.FIT).splitlines()
        place = next(i for i, line in enumerate(lines) if "class / predicted" in line)
        shown = [[int(cell) for cell in line.split()[1:]] for line in lines[place + 1 : place + 4]]
        assert shown == self.FIT.confusion.counts.astype(int).tolist()
        captions = [table.caption for table in content_of(self.FIT).tables]
        assert any(caption.startswith("Test rows by their class") for caption in captions)

    def test_where_it_is_too_wide_the_confused_pairs_are_named(self) -> None:
        token = WIDTH.set(40)
        try:
            text = str(self.FIT)
        finally:
            WIDTH.reset(token)
        assert "class / predicted" not in text
        assert "most often taken: " in text

    def test_the_auc_is_the_mean_of_one_against_the_rest(self) -> None:
        y = RNG.integers(3, size=80)
        eta = np.eye(3)[y] + RNG.normal(size=(80, 3))
        shares = np.exp(eta) / np.exp(eta).sum(axis=1, keepdims=True)
        weight = RNG.uniform(0.5, 2.0, 80)
        expected = np.mean([roc_auc_score(y == k, shares[:, k], sample_weight=weight) for k in range(3)])
        assert confusion_of(shares, y.astype(float), weight, 3).auc == pytest.approx(expected)


class TestAreaUnderTheCurve:
    def test_ties_count_half(self) -> None:
        score, positive = RNG.integers(4, size=60).astype(float), RNG.integers(2, size=60).astype(bool)
        weight = RNG.uniform(size=60)
        expected = roc_auc_score(positive, score, sample_weight=weight)
        assert area_under_curve(score, positive, weight) == pytest.approx(expected)

    def test_of_one_class_is_not_known(self) -> None:
        assert np.isnan(area_under_curve(np.arange(3.0), np.ones(3, dtype=bool), np.ones(3)))


class TestOfNumbers:
    def test_there_are_no_classes(self) -> None:
        record = run_record(fitted("price"))
        assert record["confusion"] is record["auc"] is None
        assert record["classes"] == []
        assert record["coefficients_are"] == "price"

    def test_the_error_of_a_root_is_by_the_delta_method(self) -> None:
        fit = fitted("price")
        test = prepare(features("price"), Options.of("price", cv=3, lambdas=8)).test
        squares = (fit.layers.decision(test.X)[:, 0] - test.y) ** 2
        expected = np.std(squares, ddof=1) / np.sqrt(len(squares)) / (2 * np.sqrt(squares.mean()))
        assert fit.tested[0].error == pytest.approx(expected)

    def test_counts_are_judged_by_the_deviance(self) -> None:
        fit = fitted("count", loss="poisson")
        assert "CV deviance ± SE" in str(fit)
        assert "log rate of count" in str(fit)


def test_the_report_says_where_features_enter() -> None:
    fit = fitted("price")
    (table,) = (t for t in content_of(fit).tables if t.caption.startswith("Where features enter"))
    entered = [name for row in table.rows for name in row[1].split(", ") if name]
    assert entered[0] == next(e.feature for e in fit.path.entries(fit.features) if e.enters)
    assert len(table.rows) == len({e.index for e in fit.path.entries()})


def test_a_long_class_stands_above_the_numbers() -> None:
    data = features("sold").with_columns(pl.col("sold").replace({"yes": "very long name of a class " * 3}))
    fit = taut.fit(data, "sold", lam=0.02)
    lines = str(fit).splitlines()
    assert max(map(len, lines)) <= 100
    assert "per unit and per sd: log odds of very long name" in " ".join(str(fit).split())
