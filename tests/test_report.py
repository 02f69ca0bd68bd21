"""The report without a browser: what it carries, what it says, what it refuses, and that its scripts pass their own tests."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import taut
from tables import features, fitted
from taut.families import Translation
from taut.report.content import shown
from taut.report.packing import Series, packed_series, rounded
from taut.report.rendering import SCRIPTS, joined_scripts, joined_styles
from taut.tabular.diagnostics import GROUP_ROWS, MAX_CURVES, _shares
from taut.tabular.words.equivalents import elsewhere
from taut.tabular.words.page import content_of, fit_data

ASSETS = Path(taut.__file__).parent / "report" / "assets"
PAGE_TESTS = Path(__file__).parent / "page"
NODE = shutil.which("node")
DECLARED = re.compile(r"^(?:export )?(?:async )?(?:function|class|const|let) (\w+)", re.M)
IMPORTED = re.compile(r'^import .*? from "\./([\w.]+)";', re.M | re.S)


def island(page: str) -> dict[str, object]:
    (text,) = re.findall(r'<script type="application/json" id="story">(.*?)</script>', page, re.S)
    return json.loads(text)


class TestScripts:
    @pytest.mark.skipif(NODE is None, reason="node is not installed")
    def test_pass_their_own_tests(self) -> None:
        files = sorted(map(str, PAGE_TESTS.glob("*.test.mjs")))
        done = subprocess.run(
            [NODE, "--test", "--test-reporter=tap", *files],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:]
        assert int(re.search(r"^# tests (\d+)$", done.stdout, re.M).group(1)) >= 25

    @pytest.mark.skipif(NODE is None, reason="node is not installed")
    def test_joined_are_one_program(self, tmp_path: Path) -> None:
        program = tmp_path / "page.js"
        program.write_text(joined_scripts(), encoding="utf-8")
        subprocess.run([NODE, "--check", str(program)], check=True, capture_output=True)

    def test_every_file_is_joined_after_those_it_imports(self) -> None:
        assert sorted(SCRIPTS) == sorted(file.name for file in ASSETS.glob("*.mjs"))
        for place, name in enumerate(SCRIPTS):
            wanted = IMPORTED.findall((ASSETS / name).read_text(encoding="utf-8"))
            assert set(wanted) <= set(SCRIPTS[:place]), name

    def test_share_one_scope_without_sharing_a_name(self) -> None:
        names = [n for file in SCRIPTS for n in DECLARED.findall((ASSETS / file).read_text(encoding="utf-8"))]
        assert sorted(names) == sorted(set(names))

    def test_are_small_modules(self) -> None:
        lines = {name: len((ASSETS / name).read_text(encoding="utf-8").splitlines()) for name in SCRIPTS}
        assert {name: count for name, count in lines.items() if count >= 250} == {}

    def test_make_no_markup_from_text_and_no_code(self) -> None:
        forbidden = (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "fetch(",
        )
        assert [word for word in forbidden if word in joined_scripts()] == []

    def test_own_code_and_styles_stay_below_150_kb(self) -> None:
        assert len((joined_scripts() + joined_styles()).encode()) < 150_000


@pytest.mark.skipif(NODE is None, reason="node is not installed")
class TestLiveSolver:
    """The page's own solver, on the page's own data, finds the engine's coefficients to 1e-6."""

    @staticmethod
    def solved(fit: taut.Fit, *mixes: float | None) -> np.ndarray:
        """Coefficients (mixes, L, p) per standard deviation; None is the fit's own mix."""
        given = json.dumps({"story": fit_data(fit), "mixes": mixes})
        done = subprocess.run(
            [NODE, str(PAGE_TESTS / "solve.mjs")], input=given, capture_output=True, text=True, check=True
        )
        return np.array(json.loads(done.stdout))

    @pytest.mark.parametrize(
        "options",
        [
            {"penalty": "l1"},
            # Below, where only λ makes the coefficients unique, a gap of 1e-13 no longer holds the engine's to 1e-6.
            {"penalty": "l2", "lambdas": [800.0, 80.0, 8.0, 0.8, 0.08, 0.008]},
            {"penalty": "elasticnet", "l1_ratio": 0.3},
            {"penalty": taut.ElasticNet(0.5, 0.2, 1.5)},
            {"weights": "weight"},
            {"drop": ["town"], "lambdas": [1.0, 0.1, 0.0]},  # no town: least squares is unique
        ],
        ids=str,
    )
    def test_agrees_with_the_engine(self, options: dict[str, Any]) -> None:
        weights = [options["weights"]] if "weights" in options else []
        fit = taut.fit(
            features("price", *weights), "price", **{"cv": 3, "lambdas": 20, "tol": 1e-13, **options}
        )
        exact = fit.path.standardized_coefs
        np.testing.assert_allclose(self.solved(fit, None)[0], exact, rtol=0, atol=1e-6 * np.abs(exact).max())

    def test_agrees_at_other_mixes_on_the_shipped_table(self) -> None:
        """The engine is asked for a gap at which its own coefficients are good to 1e-6 in the flattest direction."""
        table = Path(__file__).resolve().parents[1] / "examples" / "student-por.csv"
        fit = taut.fit(table, "G3", cv=3, lambdas=40, tol=1e-9)
        prepared = taut.tabular.prepare(table, fit.setting.options)
        mixes = (0.9, 0.5, 0.1)
        for mix, found in zip(mixes, self.solved(fit, *mixes), strict=True):
            penalty = taut.ElasticNet(1.0, mix, (1.0 - mix) / 2.0)
            exact = taut.fit_path(
                prepared.train.X, prepared.train.y, penalty=penalty, lambdas=fit.path.lambdas, tol=1e-15
            )
            np.testing.assert_allclose(found, exact.standardized_coefs, rtol=0, atol=1e-6)

    def test_is_offered_only_where_its_moments_say_it_all(self) -> None:
        asked = {"cv": 3, "lambdas": 5}
        for target, options in (
            ("sold", {}),
            ("price", {"loss": "huber"}),
            ("price", {"standardize": False}),
            ("price", {"penalize_biases": True}),
            ("price", {"penalty": taut.L1(1.0, factors={"x1": 0.5})}),
            ("price", {"hidden": (2,), "fallback": "never", "max_epochs": 2}),
        ):
            fit = taut.fit(features(target), target, **{**asked, **options})
            assert "moments" not in fit_data(fit), options


class TestPage:
    def test_asks_for_nothing(self, tmp_path: Path) -> None:
        page = fitted().report(tmp_path / "page.html").read_text(encoding="utf-8")
        assert (
            re.findall(r"""(?:src|href)\s*=|url\(|@import|https?://(?!www\.w3\.org/2000/svg)""", page) == []
        )
        policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page).group(1)
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy

    def test_of_a_loaded_model_is_the_page_of_the_fit(self, tmp_path: Path) -> None:
        fit = fitted(bootstrap=4)
        fit.save(tmp_path / "model.safetensors")
        pages = [
            one.report(tmp_path / f"{k}.html").read_bytes()
            for k, one in enumerate((fit, taut.load(tmp_path / "model.safetensors")))
        ]
        assert pages[0] == pages[1]

    def test_of_a_model_without_evidence_is_still_a_page(self, tmp_path: Path) -> None:
        small = fitted().compact()
        data = island(small.report(tmp_path / "page.html").read_text(encoding="utf-8"))
        assert data["uses"] is data["groups"] is None
        assert "moments" not in data

    @pytest.mark.parametrize("target", ["price", "sold", "kind"])
    def test_numbers_are_those_of_the_path(self, target: str) -> None:
        fit = fitted(target)
        data = fit_data(fit)
        assert data["lambdas"] == fit.path.lambdas.tolist()
        assert data["nonzeros"] == fit.path.nonzeros.tolist()
        np.testing.assert_allclose(data["explained"], fit.path.deviance_explained, rtol=1e-6)
        table = fit.path_table()
        column = next(name for name in table.columns if name.startswith("cv_") and not name.endswith("_se"))
        np.testing.assert_allclose(data["scores"]["mean"], table[column], rtol=1e-6)
        flat = np.frombuffer(base64.b64decode(data["coefs"]["values"]), dtype="<f4")
        assert np.count_nonzero(flat) == np.count_nonzero(fit.path.coefs)
        units = np.array(data["units"])
        chosen = fit.path.coefs[-1].reshape(len(fit.features), -1)
        found = unpacked(data["coefs"])[:, :, -1]
        np.testing.assert_allclose(found * units, chosen, rtol=1e-6)

    def test_training_loss_and_penalty_are_in_the_units_of_the_table(self) -> None:
        fit = fitted(tol=1e-12)
        data = fit_data(fit)
        prepared = taut.tabular.prepare(
            features("price"), taut.tabular.options.Options.of("price", cv=3, lambdas=8)
        )
        y, X = prepared.train.y, prepared.train.X
        direct = [np.mean((y - fit.path.decision_at(X, i)) ** 2) for i in range(len(fit.path))]
        np.testing.assert_allclose(data["loss"]["data"], direct, rtol=1e-6)

    def test_the_correlations_can_be_left_out(self, tmp_path: Path) -> None:
        fit = fitted()
        whole, bare = (
            fit.report(tmp_path / "page.html", gram=g).read_text(encoding="utf-8") for g in (True, False)
        )
        assert "moments" in island(whole)
        assert "moments" not in island(bare)
        assert "--no-gram" in whole
        assert "--no-gram" not in bare

    def test_no_row_is_in_it(self) -> None:
        """Test scores, residuals and shares are told for groups of rows."""
        for target in ("sold", "kind"):
            rows = fitted(target, bootstrap=0).evidence.groups[:, :, 2::3]
            assert rows.min() >= GROUP_ROWS
            assert np.all(rows.sum(axis=1) == 72)

    def test_calibration_of_a_class_is_that_of_its_own_probability(self) -> None:
        """Over all groups, mean probability and share are those of the class; no single classes where there are many."""
        rng = np.random.default_rng(0)
        mean, y = rng.dirichlet([1.0, 2.0, 3.0], size=90), rng.integers(3, size=90).astype(float)
        told = _shares(mean, y, np.ones(90), 6).reshape(6, 4, 3)
        assert np.all(told[:, :, 2] == 15)
        for c in range(3):
            np.testing.assert_allclose(told[:, 1 + c, 0].mean(), mean[:, c].mean())
            np.testing.assert_allclose(told[:, 1 + c, 1].mean(), np.mean(y == c))
            assert np.all(np.diff(told[:, 1 + c, 0]) > 0)
        np.testing.assert_allclose(told[:, 0, 1].mean(), np.mean(mean.argmax(axis=1) == y))
        many = rng.dirichlet(np.ones(MAX_CURVES + 1), size=90)
        assert _shares(many, y, np.ones(90), 6).shape == (6, 3)

    def test_size_at_100_strengths_and_300_features(self, tmp_path: Path) -> None:
        path = wide_fit().report(tmp_path / "wide.html")
        assert path.stat().st_size < 400_000


def wide_fit() -> taut.Fit:
    """100 λ × 300 features, ridge: no coefficient is zero."""
    global _WIDE  # fitted once for all tests that ask
    if _WIDE is None:
        rng = np.random.default_rng(0)
        X = rng.normal(size=(200, 300))
        columns = {f"feature {j}": X[:, j] for j in range(300)}
        _WIDE = taut.fit(
            {**columns, "y": X[:, :5].sum(axis=1) + rng.normal(size=200)}, "y", penalty="l2", cv=3
        )
    return _WIDE


_WIDE: taut.Fit | None = None


def unpacked(packed: dict[str, object]) -> np.ndarray:
    flat = np.frombuffer(base64.b64decode(packed["values"]), dtype="<f4").astype(float)
    values = np.zeros((len(packed["first"]), packed["outputs"], packed["length"]))
    start = 0
    for j, first in enumerate(packed["first"]):
        size = packed["outputs"] * (packed["length"] - first)
        values[j, :, first:] = flat[start : start + size].reshape(packed["outputs"], -1)
        start += size
    return values


class TestWords:
    def test_say_what_was_fitted_chosen_and_not_known(self) -> None:
        fit = fitted()
        words = {p.heading: p.text for p in content_of(fit).narrative}
        assert "lasso" in words["What was fitted."]
        assert f"{fit.lam:.4g}"[:4] in words["What was chosen."]
        assert "R²" in words["What it costs."]
        assert "duality gap" in words["How exact it is."]
        assert "no cause" in words["What can not be concluded."]

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


class TestPacking:
    def test_series_keep_zeros_and_their_order(self) -> None:
        values = np.zeros((3, 2, 4))
        values[0, 0, 1:], values[2, 1, :] = [1.0, 0.0, 2.0], [3.0, 4.0, 0.0, -5.0]
        packed = packed_series(Series(values))
        assert packed["first"] == [1, 4, 0]
        np.testing.assert_array_equal(unpacked(packed), values)

    def test_what_is_no_number_is_null(self) -> None:
        assert rounded([[1.23456789, np.nan], [np.inf, 0.0]], 3) == [[1.23, None], [None, 0.0]]


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


class TestNotebook:
    def test_a_fit_and_a_path_show_themselves_in_a_frame_of_their_own(self) -> None:
        path = taut.fit_path(np.eye(8)[:, :3], np.arange(8.0), lambdas=5)
        for shown_object in (fitted(), path):
            display = shown_object._repr_html_()
            assert display.startswith('<iframe srcdoc="&lt;!doctype html&gt;')
            assert 'sandbox="allow-scripts"' in display
            assert "<script" not in display
