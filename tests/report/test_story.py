"""The page's words: what was fitted, chosen and not known, the calls elsewhere, the evidence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import taut
from taut.families import Translation
from taut.report.content import shown
from taut.solvers import Measure
from taut.tabular.words.equivalents import elsewhere
from taut.tabular.words.page import content_of
from tests.tables import features, fitted


class TestWords:
    def test_say_what_was_fitted_chosen_and_not_known(self) -> None:
        fit = fitted()
        words = {p.heading: p.text for p in content_of(fit).narrative}
        assert "lasso" in words["What was fitted."]
        assert f"{fit.lam:.4g}"[:4] in words["What was chosen."]
        assert "R²" in words["What it costs."]
        assert "duality gap" in words["How exact it is."]
        assert "no cause" in words["What can not be concluded."]

    @pytest.mark.parametrize(("share", "settled"), [(0.5, True), (2.0, False)])
    def test_a_network_lies_in_a_valley_only_where_its_residual_meets_the_tolerance(
        self, share: float, settled: bool
    ) -> None:
        fit = fitted(hidden=(3,), skip=False, fallback="never", lam=0.01, max_epochs=20)
        found = fit.path.certificates[fit.index]
        assert found.measure is Measure.STATIONARITY
        at = replace(found, value=share * found.tol)
        fit = replace(fit, path=replace(fit.path, certificates=(at,) * len(fit.path)))
        words = {p.heading: p.text for p in content_of(fit).narrative}["How exact it is."]
        assert ("lie at the bottom of one" in words) is settled
        assert ("still on their way down" in words) is not settled

    def test_features_of_a_class_are_counted_beyond_those_that_are_drawn(self) -> None:
        rng = np.random.default_rng(0)
        columns = {f"x{j}": rng.normal(size=60) for j in range(320)}
        fit = taut.fit(
            {**columns, "kind": rng.choice(["a", "b", "c"], 60).tolist()},
            "kind",
            penalty="l2",
            cv=3,
            lambdas=5,
        )
        data = content_of(fit).data
        assert len(data["features"]) < 320
        assert data["used"] == [[320] * len(fit.path)] * 3

    def test_the_call_is_that_of_the_fit(self, tmp_path: Path) -> None:
        features("price").write_csv(tmp_path / "my houses.csv")
        fit = taut.fit(
            tmp_path / "my houses.csv",
            "price",
            cv=3,
            rule="1se",
            hidden=(2,),
            penalize_biases=True,
            max_epochs=2,
        )
        facts = dict(next(s for s in content_of(fit).sections if s.title == "Reproduce").facts)
        assert "taut.fit('my houses.csv', target='price', " in facts["Python"][0]
        assert "max_epochs=2" in facts["Python"][0]
        assert "Command" not in facts  # it was no command that made it
        assert fit.setting.source.digest in facts["Data"][0]

    def test_of_a_network_claim_no_certificate(self) -> None:
        fit = fitted(hidden=(3,), lambdas=4, fallback="never", max_epochs=20)
        text = " ".join(p.text for p in content_of(fit).narrative)
        assert "nobody can certify" in text or "stationarity" in text or fit.path.linear[fit.index]

    def test_names_are_told_without_control_characters(self) -> None:
        assert shown("a\x1b[31mb\u202ec\nd") == "a�[31mb�c�d"
        assert len(shown("x" * 5000)) == 120


class TestElsewhere:
    """The printed parameters of glmnet follow those of scikit-learn, which are tested by fitting; PyTorch's are stationary."""

    def test_glmnet_and_scikit_learn_agree_where_both_have_it(self) -> None:
        calls = dict(elsewhere(taut.SquaredError(), Translation(0.3, 0.0, 50.0, 7.0)))
        assert "alpha = 1, lambda = 1.05," in calls["R glmnet"]  # scikit-learn's Lasso alpha: λ1·sd/2
        calls = dict(elsewhere(taut.Logistic(), Translation(0.2, 0.1, 50.0, 1.0)))
        assert "alpha = 0.5, lambda = 0.4," in calls["R glmnet"]

    @pytest.mark.parametrize("target", ["price", "sold", "kind"])
    def test_the_gradient_of_what_is_printed_for_pytorch_vanishes(self, target: str) -> None:
        torch = pytest.importorskip("torch")
        fit = fitted(target, penalty="l2", lam=0.05, tol=1e-13, test_size=0.0)
        prepared = taut.tabular.prepare(features(target), fit.setting.options)
        X = (prepared.train.X - prepared.train.X.mean(axis=0)) / prepared.train.X.std(axis=0)
        sections = {s.title: dict(s.facts) for s in content_of(fit).sections}
        call = sections["The same model elsewhere"]["PyTorch"][0].partition("#")[0]
        coef = fit.path.coefs[0].reshape(X.shape[1], -1) * prepared.train.X.std(axis=0)[:, None]
        squeeze = (lambda a: a[:, 0]) if coef.shape[1] == 1 else (lambda a: a)
        w = torch.tensor(squeeze(coef), requires_grad=True)
        b = torch.tensor(
            fit.path.intercepts[0]
            + prepared.train.X.mean(axis=0) @ squeeze(fit.path.coefs[0].reshape(X.shape[1], -1)),
            requires_grad=True,
        )
        y = torch.tensor(prepared.train.y)
        names = {
            "F": torch.nn.functional,
            "X": torch.tensor(X),
            "y": y.long() if target == "kind" else y,
            "w": w,
            "b": b,
        }
        eval(call, names).backward()
        scale = float(torch.linalg.norm(w.detach())) + 1.0
        assert float(w.grad.abs().max()) < 1e-5 * scale
        assert float(b.grad.abs().max()) < 1e-5 * scale


class TestEvidence:
    def test_groups_of_residuals_cover_the_held_out_rows(self) -> None:
        fit = fitted()
        prepared = taut.tabular.prepare(features("price"), fit.setting.options)
        groups = fit.evidence.groups[0]  # at λ_max every prediction is about the mean
        assert np.all(np.diff(groups[:, 0]) >= 0)
        assert np.all(np.diff(groups[:, 1:], axis=1) >= 0)
        middle = prepared.train.y - prepared.train.y.mean()
        assert abs(np.median(groups[:, 3]) - np.median(middle)) < middle.std()

    def test_moments_are_the_correlations_of_the_training_rows(self) -> None:
        fit = fitted()
        prepared = taut.tabular.prepare(features("price"), fit.setting.options)
        columns = np.column_stack([prepared.train.X, prepared.train.y])
        np.testing.assert_allclose(fit.evidence.moments, np.corrcoef(columns.T), atol=1e-12)

    def test_shares_of_fits_are_multiples(self) -> None:
        fit = fitted()
        uses = fit.evidence.uses * fit.evidence.folds
        np.testing.assert_allclose(uses, np.round(uses), atol=1e-12)
        assert np.all(fit.evidence.uses[0] <= fit.evidence.uses[-1] + 1)

    def test_the_test_scores_end_where_the_fit_says(self) -> None:
        fit = fitted()
        np.testing.assert_allclose(
            fit.evidence.test[fit.index], [fit.tested[0].score, fit.tested[0].second], rtol=1e-12
        )
