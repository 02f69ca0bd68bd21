"""What ``print(path)`` and ``print(scores)`` show, λ by name, and where features enter."""

from __future__ import annotations

import re

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

import taut
from taut.path.knots import Entry, entries

X, Y = load_diabetes(return_X_y=True)
FITTED = taut.cross_validate(X, Y, cv=5, random_state=0, lambdas=40)
PATH, SCORES = FITTED.paths[0], FITTED.scores


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


class TestAPath:
    def test_is_printed_as_glmnet_prints_it(self) -> None:
        _, _, head, *table = rows(str(PATH))
        assert head == ["Df", "%Dev", "λ"]
        shown = {int(np.argmin(np.abs(PATH.lambdas - float(row[-1])))) for row in table}
        assert {0, len(PATH) - 1, SCORES.index_min, SCORES.index_1se} <= shown
        assert 10 <= len(shown) <= 12
        for row in table:
            i = int(np.argmin(np.abs(PATH.lambdas - float(row[-1]))))
            assert int(row[-3]) == PATH.nonzeros[i]
            assert float(row[-2]) == pytest.approx(100 * PATH.deviance_explained[i], abs=0.006)

    def test_says_what_is_not_certified(self) -> None:
        path = taut.fit_path(X, Y, lambdas=[0.1, 0.01], tol=1e-18)
        assert "2 of 2 λ are not certified" in str(path)
        assert "certified" not in str(PATH)

    def test_has_a_short_representation(self) -> None:
        assert re.fullmatch(r"<LinearPath of 40 λ \(1\.\d+ … 0\.\d+\), 10 features>", repr(PATH))

    def test_of_a_network_counts_weights(self) -> None:
        path = taut.fit_path(X, Y, hidden=(3,), lambdas=4, max_epochs=2, random_state=0)
        table = rows(str(path))[3:]
        assert [int(row[0]) for row in table] == path.nonzeros.tolist()


class TestStrengthsByName:
    @pytest.mark.parametrize("name", ["min", "1se"])
    def test_are_those_of_the_scores(self, name: str) -> None:
        lam = {"min": SCORES.lam_min, "1se": SCORES.lam_1se}[name]
        assert np.array_equal(PATH.coef(name), PATH.coef(lam))
        assert PATH.intercept(name) == PATH.intercept(lam)
        assert np.array_equal(PATH.predict(X, lam=name), PATH.predict(X, lam))
        assert PATH.index(name) == PATH.index(lam)

    def test_of_scorers_are_those_that_the_first_one_chooses(self) -> None:
        model = taut.Classifier(cv=3, lambdas=20, scoring="roc_auc", rule="1se").fit(X, Y > 150)
        assert model.path_.strength("1se") == model.lam_ == model.scores_.measures["roc_auc"].lam_1se

    def test_of_exact_leave_one_out(self) -> None:
        model = taut.Regressor(penalty="l2", lam="loo", lambdas=20).fit(X, Y)
        assert model.path_.strength("min") == model.scores_.lam_min == model.lam_
        assert "Measure: Mean squared error, 442 folds" in str(model.scores_)

    def test_of_a_network(self) -> None:
        options = {
            "hidden": (3,),
            "lambdas": 4,
            "max_epochs": 2,
            "cv": 2,
            "fallback": "never",
            "final": "refit",
        }
        model = taut.Regressor(**options, random_state=0).fit(X, Y)
        assert model.path_.predict(X, "min") == pytest.approx(model.predict(X))

    def test_that_nobody_chose_are_refused(self) -> None:
        with pytest.raises(ValueError, match="lam = 'max' must be one of min, 1se, or a number"):
            PATH.coef("max")
        with pytest.raises(ValueError, match="no scores have chosen a strength of this path"):
            taut.fit_path(X, Y, lambdas=3).predict(X, lam="min")


class TestScores:
    def test_are_printed_as_cv_glmnet_prints_them(self) -> None:
        measure, _, head, *table = str(SCORES).splitlines()
        assert measure == "Measure: Mean squared error, 5 folds"
        assert head.split() == ["λ", "Index", "Measure", "SE", "Nonzero"]
        for line, place in zip(table, (SCORES.index_min, SCORES.index_1se), strict=True):
            name, lam, index, mean, error, kept = line.split()
            assert PATH.index(name) == int(index) == place
            assert float(lam) == pytest.approx(SCORES.lambdas[place], rel=1e-3)
            assert float(mean) == pytest.approx(SCORES.mean[place], rel=1e-3)
            assert float(error) == pytest.approx(SCORES.standard_error[place], rel=1e-2)
            assert int(kept) == PATH.nonzeros[place]

    def test_of_a_scorer_are_shown_as_scores(self) -> None:
        found = taut.cross_validate(X, Y, cv=3, lambdas=10, scoring="r2", random_state=0).scores
        row = str(found).splitlines()[3].split()
        assert str(found).startswith("Measure: r2, 3 folds")
        assert float(row[3]) == pytest.approx(-found.measures["r2"].mean.min(), rel=1e-3)
        assert float(row[3]) > 0

    def test_of_counts_are_deviances(self) -> None:
        counts = np.random.default_rng(0).poisson(2.0, len(Y))
        found = taut.cross_validate(X, counts, cv=3, lambdas=5, loss="poisson", random_state=0).scores
        assert str(found).startswith("Measure: Mean deviance")


class TestEntries:
    def test_lead_from_nothing_to_what_is_used_at_every_strength(self) -> None:
        used = np.zeros(X.shape[1], dtype=bool)
        entries = PATH.entries()
        for i in range(len(PATH)):
            for entry in entries:
                if entry.index == i:
                    assert entry.lam == PATH.lambdas[i]
                    assert used[entry.feature] != entry.enters
                    used[entry.feature] = entry.enters
            assert np.array_equal(used, PATH.coefs[i] != 0)

    def test_name_features(self) -> None:
        names = load_diabetes().feature_names
        assert [names[entry.feature] for entry in PATH.entries()] == [e.feature for e in PATH.entries(names)]
        with pytest.raises(ValueError, match="there are 10 features, and 1 names"):
            PATH.entries(["bmi"])

    def test_a_feature_may_leave(self) -> None:
        used = np.array([[False, True], [True, False]])
        found = entries(np.array([2.0, 1.0]), used)
        assert found == (Entry(2.0, 0, 1, True), Entry(1.0, 1, 0, True), Entry(1.0, 1, 1, False))
