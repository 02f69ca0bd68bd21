"""The look of the page: widths, contrast, speed, print, and every odd fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

import taut
from tests.report.browser.pages import TALL, number, report, whole_fit
from tests.report.browser.visit import Visit, needs_chromium, plain
from tests.report.pages import wide_fit
from tests.tables import fitted

pytestmark = needs_chromium


class TestAccessibility:
    """The rules of axe-core: no violation on a page of any kind, in either colours, on a screen or a phone."""

    FITS: ClassVar[dict[str, tuple[str, dict[str, Any]]]] = {
        "linear": ("price", {"lambdas": 12, "bootstrap": 6, "tol": 1e-13}),
        "classes": ("kind", {}),
        "network": ("price", {"hidden": (6, 4), "lambdas": 6, "fallback": "never", "max_epochs": 60}),
    }

    @pytest.mark.sampled(1)
    @pytest.mark.parametrize("kind", FITS)
    @pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
    def test_axe_finds_nothing(
        self, browser: Any, tmp_path: Path, kind: str, scheme: str, width: int
    ) -> None:
        axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
        target, options = self.FITS[kind]
        look = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}
        with Visit(browser, report(fitted(target, **options), tmp_path), **look) as visit:
            visit.settle()
            found = axe.Axe().run(visit.page).response
            assert len(found["passes"]) > 30  # it did look
            assert [
                (one["id"], [node["target"] for node in one["nodes"]]) for one in found["violations"]
            ] == []


ODD: dict[str, tuple[str, dict[str, Any]]] = {
    "one strength": ("price", {"lam": 0.05}),
    "no penalty": ("price", {"lambdas": (0.5, 0.1, 0.0)}),
    "a criterion": ("price", {"lam": "bic"}),
    "no test rows": ("sold", {"test_size": 0.0}),
    "nothing kept": ("price", {"lam": 100.0}),
    "mcp": ("price", {"penalty": taut.MCP()}),
    "huber": ("price", {"loss": "huber"}),
    "counts": ("count", {"loss": "poisson"}),
    "bootstrap of classes": ("kind", {"bootstrap": 3}),
    "raw columns": ("price", {"standardize": False}),
    "one network of all rows": (
        "price",
        {"hidden": (2,), "lambdas": 4, "max_epochs": 9, "fallback": "never", "final": "refit"},
    ),
    "network at one strength": ("price", {"hidden": (2,), "lam": 0.05, "max_epochs": 3}),
    "network not taken": ("price", {"hidden": (2,), "lambdas": 4, "max_epochs": 2, "fallback": "always"}),
    "network without a skip": (
        "kind",
        {"hidden": (3,), "skip": False, "lambdas": 4, "max_epochs": 20, "fallback": "never"},
    ),
}


class TestOddFits:
    @pytest.mark.sampled(2)
    @pytest.mark.parametrize("name", ODD)
    def test_have_a_page_without_a_fault(self, browser: Any, tmp_path: Path, name: str) -> None:
        target, options = ODD[name]
        fit = fitted(target, **options)
        with Visit(browser, report(fit, tmp_path), viewport=TALL) as visit:
            for index in {0, len(fit.path) // 2, len(fit.path) - 1}:
                visit.move(index)
                assert number(visit.text(".reading b")) == fit.path.nonzeros[index]
            assert visit.faults == []
            assert "NaN" not in visit.page.locator("#live").inner_text()
            assert "undefined" not in visit.page.locator("main").inner_text()
            drawn = visit.page.locator("#live path[d]").evaluate_all(
                "all => all.map((p) => p.getAttribute('d'))"
            )
            assert [d for d in drawn if "NaN" in d or "Infinity" in d] == []


LONG = "what somebody once called the long name of a column of the table, part "


class TestNames:
    """Long names run over nothing, and what is left of them still tells them apart."""

    @pytest.fixture(scope="class")
    @staticmethod
    def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
        rng = np.random.default_rng(0)
        columns: dict[str, Any] = {f"{LONG}{j}": rng.normal(size=120) for j in range(6)}
        columns["district"] = rng.choice([f"{LONG}{k}" for k in "abc"], 120).tolist()
        y = 1e5 * (3 + columns[f"{LONG}0"] + rng.normal(size=120))
        kind = np.digitize(y, [2.5e5, 3.5e5])
        columns[f"{LONG}y"] = [f"{LONG}class {k}" for k in kind]
        fit = taut.fit(columns, f"{LONG}y", cv=3, lambdas=10, bootstrap=4)
        return report(fit, tmp_path_factory.mktemp("long"))

    @pytest.mark.parametrize("width", [1280, 390])
    def test_stay_in_their_cards(self, browser: Any, page: Path, width: int) -> None:
        outside = """all => all.filter((one) => {
            const [card, box] = [one.closest('.panel, .control').getBoundingClientRect(), one.getBoundingClientRect()];
            return box.width && !one.closest('.box') && (box.left < card.left || box.right > card.right);
        }).map((one) => one.textContent)"""
        with Visit(browser, page, viewport={"width": width, "height": 8000}) as visit:
            assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
            assert (
                visit.page.locator("#live :is(.entry, .legend, text, select, button, output)").evaluate_all(
                    outside
                )
                == []
            )

    @pytest.mark.parametrize("width", [1280, 390])
    def test_titles_and_numbers_of_an_axis_do_not_meet(self, browser: Any, page: Path, width: int) -> None:
        met = """all => all.flatMap((picture) => {
            const texts = [...picture.querySelectorAll('.axes > text, .axes > .axis')].map((one) => one.getBoundingClientRect());
            const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 2 && b.top < a.bottom - 2;
            return texts.filter((a, i) => texts.some((b, k) => k > i && meet(a, b)));
        }).length"""
        with Visit(browser, page, viewport={"width": width, "height": 8000}) as visit:
            assert visit.page.locator("#live .plot > svg").evaluate_all(met) == 0

    def test_names_beside_lines_differ(self, browser: Any, page: Path) -> None:
        with Visit(browser, page, viewport=TALL) as visit:
            names = visit.page.locator("#path text.name").all_text_contents()
            assert len(set(names)) == len(names) == 6


class TestCloseUps:
    def test_show_the_flat_end_larger(self, browser: Any, tmp_path: Path) -> None:
        with Visit(browser, report(whole_fit(), tmp_path), viewport=TALL) as visit:
            spread = "() => { const ys = document.querySelector('#scores .curve').getAttribute('d').match(/ -?[\\d.]+/g).map(Number); return Math.max(...ys) - Math.min(...ys); }"
            before = visit.page.evaluate(spread)
            visit.page.locator("#scores .closeup").click()
            assert visit.page.locator("#scores .closeup").get_attribute("aria-pressed") == "true"
            assert visit.page.evaluate(spread) > 2 * before
            visit.page.locator("#scores .closeup").click()
            assert visit.page.evaluate(spread) == before


class TestStability:
    def test_is_a_list_with_the_shares_of_the_fits(self, browser: Any, tmp_path: Path) -> None:
        fit = whole_fit()
        found = fit.evidence.tradeoff.frequencies
        with Visit(browser, report(fit, tmp_path), viewport=TALL) as visit:
            for index in (0, 5, 11):
                visit.move(index)
                rows = visit.page.locator("#stability tbody tr").evaluate_all(
                    "all => all.map((row) => [...row.cells].map((cell) => cell.textContent))"
                )
                assert {name for name, *_ in rows} == {
                    fit.features[j] for j in np.flatnonzero(found.any(axis=0))
                }
                for name, _, share in rows:
                    assert number(share) == round(100 * found[index, fit.features.index(name)])
            at = visit.page.locator("#stability .strip").first.bounding_box()
            visit.page.mouse.click(at["x"] + 2, at["y"] + 5)
            visit.settle()
            assert visit.page.locator("#slider").input_value() == "0"


class TestWithoutScripts:
    def test_the_page_still_says_it_all(self, browser: Any, tmp_path: Path) -> None:
        fit = whole_fit()
        with Visit(browser, report(fit, tmp_path), java_script_enabled=False) as visit:
            page = visit.page
            assert page.locator("#still svg").count() == 2
            assert page.locator("#still svg").first.is_visible()
            assert not page.locator("#live").is_visible()
            tables = page.locator("table")
            assert tables.count() == 4
            rows = tables.first.locator("tbody tr").all_inner_texts()
            kept = fit.coefficients().filter(pl.col("coef") != 0)
            assert [row.split("\t")[0] for row in rows] == kept["feature"].to_list()
            first, second = page.locator("details:has(table)").all()
            assert second.locator("tbody tr").count() == len(fit.path)
            assert first.locator("tbody tr").count() == len({entry.index for entry in fit.path.entries()})


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two #rrggbb colours (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        parts = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


class TestLooks:
    @pytest.mark.sampled(2)
    @pytest.mark.parametrize(
        ("width", "scheme"),
        [(1280, "light"), (1280, "dark"), (820, "light"), (390, "light"), (390, "dark"), (320, "light")],
    )
    def test_nothing_runs_over_the_edge(self, browser: Any, tmp_path: Path, width: int, scheme: str) -> None:
        with Visit(
            browser,
            report(whole_fit(), tmp_path),
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
        ) as visit:
            assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
            assert (
                visit.page.locator("#live > .panel").evaluate_all(
                    "all => all.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.id)"
                )
                == []
            )

    @pytest.mark.slow
    def test_nothing_jumps_while_lambda_moves(self, browser: Any, tmp_path: Path) -> None:
        for width in (1280, 390):
            with Visit(
                browser, report(whole_fit(), tmp_path), viewport={"width": width, "height": 900}
            ) as visit:
                tops = set()
                for index in range(12):
                    visit.move(index)
                    tops.add(
                        tuple(
                            visit.page.locator("#live > *").evaluate_all(
                                "all => all.map((one) => one.offsetTop)"
                            )
                        )
                    )
                assert len(tops) == 1

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_words_stand_out_from_their_ground(self, browser: Any, tmp_path: Path, scheme: str) -> None:
        """Contrast of at least 4.5 for text, 3 for the colours of lines (WCAG 2.2, 1.4.3 and 1.4.11)."""
        with Visit(browser, report(whole_fit(), tmp_path), color_scheme=scheme) as visit:
            names = ["ink", "soft", "c0", "c1", "c2", "c3", "c4", "c5", "card", "paper"]
            read = "(names) => names.map((n) => getComputedStyle(document.documentElement).getPropertyValue('--' + n).trim())"
            colours = dict(zip(names, visit.page.evaluate(read, names), strict=True))
        for ground in ("card", "paper"):
            assert min(contrast(colours[n], colours[ground]) for n in ("ink", "soft")) >= 4.5
            assert min(contrast(colours[f"c{k}"], colours[ground]) for k in range(6)) >= 3.0

    def test_a_frame_is_enough_for_100_strengths_of_300_features(self, browser: Any, tmp_path: Path) -> None:
        """The work of one move of λ, layout included, with the table in sight: a frame at 60 Hz is 17 ms.

        Processor time of the page's thread, so that others on the machine do not count; two frames are allowed, because a
        busy core is a slower one. Measured alone it is half a frame.
        """
        with Visit(browser, wide_fit().report(tmp_path / "wide.html")) as visit:
            visit.page.locator("#table").scroll_into_view_if_needed()
            visit.settle()
            visit.move(1)
            before = visit.processor_seconds()
            for i in range(40):
                visit.move((i * 7) % 100)
            assert (visit.processor_seconds() - before) / 40 < 0.034

    def test_a_long_table_can_be_scrolled_to_its_end(self, browser: Any, tmp_path: Path) -> None:
        fit = wide_fit()
        with Visit(browser, fit.report(tmp_path / "wide.html")) as visit:
            box = visit.page.locator("#table .box")
            box.scroll_into_view_if_needed()
            first = visit.text("#table tbody tr")
            box.evaluate("(box) => { box.scrollTop = box.scrollHeight; }")
            visit.settle()
            last = plain(visit.page.locator("#table tbody tr").last.inner_text())
            sizes = np.abs(fit.path.coefs[fit.index] * fit.spread.features)
            assert first.startswith(fit.features[int(np.argmax(sizes))])
            assert last.startswith(fit.features[int(np.argmin(sizes))])
            assert box.evaluate("(box) => box.scrollHeight") > 290 * 31

    def test_printing_shows_the_pictures(self, browser: Any, tmp_path: Path) -> None:
        with Visit(browser, report(whole_fit(), tmp_path)) as visit:
            visit.page.emulate_media(media="print")
            assert visit.page.locator("#path .plot > svg").is_visible()
            assert not visit.page.locator("#slider").is_visible()
            visit.page.locator("body").evaluate("(body) => { body.style.width = '700px'; }")
            wide = "all => all.filter((one) => one.getBoundingClientRect().right > 701).map((one) => one.id)"
            assert visit.page.locator("#live > .panel").evaluate_all(wide) == []
