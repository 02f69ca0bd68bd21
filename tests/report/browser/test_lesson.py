"""The lesson in the browser: what it shows is what its words say, by mouse and by keyboard."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import taut
from tests.report.browser.pages import number
from tests.report.browser.visit import Visit, needs_chromium, plain, playwright

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return taut.teach(tmp_path_factory.mktemp("lesson") / "lesson.html")


def slide(visit: Visit, name: str, value: int) -> None:
    visit.page.locator(f"#{name}").evaluate(
        "(s, value) => { s.value = value; s.dispatchEvent(new Event('input')); }", value
    )


def train(visit: Visit, thousands: int) -> None:
    for _ in range(thousands):
        visit.page.locator("#many").click()


class TestLesson:
    def test_proximal_steps_reach_zero_and_plain_ones_do_not(self, browser: Any, page: Path) -> None:
        with Visit(browser, page) as visit:
            train(visit, 3)
            zeros = number(visit.text("#zeros-proximal"))
            assert zeros >= 6
            assert number(visit.text("#zeros-gradient")) == 0
            assert visit.page.locator("#bars-proximal .none").count() == zeros
            assert visit.page.locator("#network .edge").count() == 18 - zeros
            assert visit.text("#steps") == "3000 steps"
            assert visit.faults == []
            assert visit.requests == [page.as_uri()]

    def test_the_terms_add_up_and_a_stronger_penalty_leaves_less(self, browser: Any, page: Path) -> None:
        kept = []
        with Visit(browser, page) as visit:
            for place in (30, 60, 90):
                slide(visit, "lam", place)
                visit.page.locator("#reset").click()
                train(visit, 2)
                data, penalty, total = (
                    number(visit.text(f"#{n}")) for n in ("data-loss", "penalty", "total")
                )
                assert total == pytest.approx(data + penalty, abs=2e-3)
                kept.append(visit.page.locator("#network .edge").count())
        assert kept[0] > kept[1] > kept[2] == 0

    def test_weights_grow_without_a_penalty_and_a_plain_step_can_explode(
        self, browser: Any, page: Path
    ) -> None:
        with Visit(browser, page) as visit:
            train(visit, 3)
            assert number(visit.text("#size-free")) > 5 * number(visit.text("#size-proximal"))
            for name, value in (("mix", 0), ("lam", 100), ("rate", 100)):
                slide(visit, name, value)
            visit.page.locator("#reset").click()
            train(visit, 1)
            assert visit.text("#size-gradient") == "exploded"
            assert number(visit.text("#size-proximal")) < 1

    def test_the_slopes_of_one_weight(self, browser: Any, page: Path) -> None:
        with Visit(browser, page) as visit:
            slide(visit, "mix", 50)
            slide(visit, "lam", 100)
            visit.page.locator("#weight").select_option("3")
            w = number(visit.text("#w"))
            assert number(visit.text("#slope-l1")) == pytest.approx(0.5 if w > 0 else -0.5)
            assert number(visit.text("#slope-l2")) == pytest.approx(w, rel=5e-3)

    def test_keys_train(self, browser: Any, page: Path) -> None:
        with Visit(browser, page) as visit:
            visit.page.keyboard.press("s")
            assert visit.text("#steps") == "1 step"
            visit.page.keyboard.press("t")
            playwright.expect(visit.page.locator("#steps")).to_have_text(
                re.compile(r"^(\d{2,}|\d.\d{3}) steps")
            )
            visit.page.keyboard.press("t")
            visit.page.keyboard.press("r")
            assert visit.text("#steps") == "0 steps"
            before = visit.text("#lam-value")
            visit.page.locator("#lam").focus()
            visit.page.keyboard.press("ArrowRight")
            assert plain(visit.text("#lam-value")) != before

    @pytest.mark.parametrize(
        ("scheme", "width"), [("light", 1280), ("dark", 1280), ("dark", 390), ("light", 390)]
    )
    def test_axe_finds_nothing_and_nothing_runs_over_the_edge(
        self, browser: Any, page: Path, scheme: str, width: int
    ) -> None:
        axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
        with Visit(browser, page, color_scheme=scheme, viewport={"width": width, "height": 900}) as visit:
            train(visit, 2)
            assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
            found = axe.Axe().run(visit.page).response
            assert len(found["passes"]) > 20
            assert [
                (one["id"], [node["target"] for node in one["nodes"]]) for one in found["violations"]
            ] == []
