"""λ moves every panel, the numbers are the path's, the live solver is the engine's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import taut
from taut.tabular.words.numbers import significant
from tests.report.browser.pages import TALL, number, report, whole_fit
from tests.report.browser.visit import Visit, needs_chromium, plain, playwright
from tests.tables import features, fitted

pytestmark = needs_chromium


class TestOneLambda:
    def test_the_slider_moves_every_panel(self, browser: Any, tmp_path: Path) -> None:
        with Visit(browser, report(whole_fit(), tmp_path), viewport=TALL) as visit:
            panels = visit.page.locator("#live > .panel").evaluate_all("all => all.map((one) => one.id)")
            assert len(panels) >= 12
            marks = {}
            for index in (2, 9):
                visit.move(index)
                marks[index] = visit.page.locator("#live > .panel").evaluate_all(
                    "all => all.map((one) => (one.querySelector('.cursor')?.getAttribute('x1') ?? one.outerHTML))"
                )
            still = [name for name, a, b in zip(panels, marks[2], marks[9], strict=True) if a == b]
            assert still == []
            assert visit.faults == []

    def test_panels_out_of_sight_follow_when_it_rests(self, browser: Any, tmp_path: Path) -> None:
        fit = whole_fit()
        with Visit(browser, report(fit, tmp_path), viewport={"width": 1280, "height": 500}) as visit:
            visit.move(0)
            playwright.expect(visit.page.locator("#table tbody tr")).to_have_count(int(fit.path.nonzeros[0]))

    def test_keys_and_marks_move_it_too(self, browser: Any, tmp_path: Path) -> None:
        fit = whole_fit()
        with Visit(browser, report(fit, tmp_path)) as visit:
            page = visit.page
            page.locator("#slider").focus()
            page.keyboard.press("Home")
            visit.settle()
            assert visit.text("#lam") == significant(float(fit.path.lambdas[0]), 4)
            page.keyboard.press("ArrowRight")
            visit.settle()
            assert visit.text("#lam") == significant(float(fit.path.lambdas[1]), 4)
            page.locator("[data-mark='min']").click()
            visit.settle()
            assert visit.text("#lam") == significant(fit.scores.lam_min, 4)
            assert "features" in page.locator("#slider").get_attribute("aria-valuetext")

    def test_a_drag_across_a_picture_moves_it(self, browser: Any, tmp_path: Path) -> None:
        fit = whole_fit()
        with Visit(browser, report(fit, tmp_path)) as visit:
            picture = visit.page.locator("#scores .plot > svg")
            picture.scroll_into_view_if_needed()
            box = picture.bounding_box()
            visit.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 120)
            visit.page.mouse.down()
            visit.page.mouse.move(box["x"] + box["width"] - 4, box["y"] + 120, steps=5)
            visit.page.mouse.up()
            visit.settle()
            assert visit.text("#lam") == significant(float(fit.path.lambdas[-1]), 4)

    def test_a_feature_is_pinned_from_the_table_and_in_the_picture(
        self, browser: Any, tmp_path: Path
    ) -> None:
        with Visit(browser, report(whole_fit(), tmp_path)) as visit:
            pin = visit.page.locator("#table .pin").first
            name = pin.inner_text().strip()
            pin.click()
            visit.settle()
            assert pin.get_attribute("aria-pressed") == "true"
            playwright.expect(visit.page.locator("#path .series.strong")).to_have_count(1)
            assert visit.text("#path .legend").startswith(f"{name}:")


class TestNumbers:
    @pytest.mark.sampled(1)
    @pytest.mark.parametrize("target", ["price", "sold", "kind"])
    def test_are_the_path_s_at_every_strength(self, browser: Any, tmp_path: Path, target: str) -> None:
        fit = fitted(target)
        table = fit.path_table()
        score = table[next(name for name in table.columns if name.startswith("cv_"))]
        with Visit(browser, report(fit, tmp_path), viewport=TALL) as visit:
            for index, lam in enumerate(fit.path.lambdas):
                visit.move(index)
                assert visit.text("#lam") == significant(float(lam), 4)
                readings = [plain(text) for text in visit.page.locator(".reading b").all_inner_texts()]
                assert number(readings[0]) == fit.path.nonzeros[index]
                assert number(readings[1]) == pytest.approx(
                    100 * fit.path.deviance_explained[index], abs=0.06
                )
                assert number(readings[2]) == pytest.approx(score[index], rel=0.05)
                self.check_table(visit, fit, index)

    @staticmethod
    def check_table(visit: Visit, fit: taut.Fit, index: int) -> None:
        """Each row of the table of the first class is a coefficient of the path, and none is missing."""
        rows = visit.page.locator("#table tbody tr").evaluate_all(
            "all => all.map((row) => [...row.cells].map((cell) => cell.textContent))"
        )
        coefs = fit.path.coefs[index].reshape(len(fit.features), -1)[:, 0]
        assert {row[0] for row in rows} == {fit.features[j] for j in np.flatnonzero(coefs)}
        for name, per_sd, per_unit, *_ in rows:
            j = fit.features.index(name)
            sd = coefs[j] * fit.spread.features[j] / fit.spread.target
            assert plain(per_sd).lstrip("+") == rounded(sd)
            assert plain(per_unit).lstrip("+") == rounded(coefs[j])

    def test_test_scores_are_the_fit_s(self, browser: Any, tmp_path: Path) -> None:
        fit = whole_fit()
        with Visit(browser, report(fit, tmp_path)) as visit:
            rows = [plain(text) for text in visit.page.locator("#test tbody tr").all_inner_texts()]
            assert len(rows) == len(fit.tested) + 1
            for row, judged in zip(rows[1:], fit.tested, strict=True):
                assert significant(judged.score, 4).replace(" ", "") in row.replace(" ", "")


def rounded(value: float) -> str:
    return significant(float(np.float32(value)), 3).replace(" ", "")


class TestLiveSolver:
    """Its solutions are compared with the engine's in ``test_report``; here it is asked for by hand."""

    def test_what_the_page_says_of_another_mix_is_what_the_engine_finds(
        self, browser: Any, tmp_path: Path
    ) -> None:
        fit = fitted(lambdas=12)
        prepared = taut.tabular.prepare(features("price"), fit.setting.options)
        lam = float(fit.path.lambdas[6])
        exact = taut.fit_path(
            prepared.train.X,
            prepared.train.y,
            penalty=taut.ElasticNet(1.0, 0.4, 0.3),
            lambdas=[lam],
            tol=1e-13,
        )
        with Visit(browser, report(fit, tmp_path), viewport=TALL) as visit:
            visit.move(6)
            visit.page.locator("#live-mix").evaluate(
                "(s) => { s.value = 40; s.dispatchEvent(new Event('input')); }"
            )
            visit.settle()
            data, penalty, total, kept, gap = (
                plain(text) for text in visit.page.locator("#teach dd").all_inner_texts()
            )
        assert float(data) == pytest.approx(float(exact.losses[0]), abs=6e-5)
        assert float(penalty) == pytest.approx(float(exact.penalties[0]), abs=6e-5)
        assert float(total) == pytest.approx(float(exact.objectives[0]), abs=6e-5)
        assert kept == f"{exact.nonzeros[0]} of {len(fit.features)}"
        assert gap.startswith("below") or float(gap) < 1e-9

    def test_the_bar_s_numbers_are_those_of_what_is_shown(self, browser: Any, tmp_path: Path) -> None:
        fit = fitted(lambdas=12)
        with Visit(browser, report(fit, tmp_path), viewport=TALL) as visit:
            visit.move(5)
            own = [plain(text) for text in visit.page.locator(".reading b").all_inner_texts()]
            for knob, value in (("#live-lam", 475), ("#live-mix", 30)):
                visit.page.locator(knob).evaluate(
                    "(s, value) => { s.value = value; s.dispatchEvent(new Event('input')); }", value
                )
                visit.settle()
                told = [plain(text) for text in visit.page.locator(".reading b").all_inner_texts()]
                data, kept = (plain(visit.page.locator("#teach dd").nth(k).inner_text()) for k in (0, 3))
                assert visit.text("#lam") == visit.text("#teach .knob b")
                assert told[0] == kept
                assert number(told[1]) == pytest.approx(100 * (1 - float(data)), abs=0.06)
                assert told[2] == "–"  # no fold knows this λ and mix
            visit.page.get_by_role("button", name="the fit's own mix").click()
            visit.move(5)
            assert [plain(text) for text in visit.page.locator(".reading b").all_inner_texts()] == own

    def test_lambda_moves_between_the_strengths_of_the_path(self, browser: Any, tmp_path: Path) -> None:
        fit = fitted(lambdas=12)
        with Visit(browser, report(fit, tmp_path), viewport=TALL) as visit:
            visit.move(5)
            before = visit.text("#teach dd")
            visit.page.locator("#live-lam").evaluate(
                "(s) => { s.value = 475; s.dispatchEvent(new Event('input')); }"
            )
            visit.settle()
            assert visit.text("#teach dd") != before
            lam = float(visit.text("#teach .knob b"))
            assert fit.path.lambdas[6] < lam < fit.path.lambdas[5]
