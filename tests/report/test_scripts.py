"""The page's scripts: small modules, joined into one program, whose solver finds what the engine finds."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import taut
from taut.report.rendering import SCRIPTS, joined_scripts, joined_styles
from taut.tabular.words.page import fit_data
from tests.tables import features

ASSETS = Path(taut.__file__).parent / "report" / "assets"
PAGE_TESTS = Path(__file__).parent / "page"
NODE = shutil.which("node")
DECLARED = re.compile(r"^(?:export )?(?:async )?(?:function|class|const|let) (\w+)", re.M)
IMPORTED = re.compile(r'^import .*? from "\./([\w.]+)";', re.M | re.S)


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
        table = Path(__file__).resolve().parents[2] / "examples" / "student-por.csv"
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
