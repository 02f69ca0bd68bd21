"""The report in a browser: λ moves every panel, the numbers are the path's, the live solver is the engine's, names stay names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

import taut
from browser import Visit, needs_chromium, plain, playwright, running
from tables import features, fitted
from taut.tabular.words.numbers import significant
from test_report import wide_fit

pytestmark = needs_chromium

TALL = {"width": 1280, "height": 8000}
"""A window in which every panel is in sight."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with running() as one:
        yield one


def report(fit: taut.Fit, folder: Path) -> Path:
    return fit.report(folder / "page.html")


def whole_fit() -> taut.Fit:
    """Every panel that a linear model can have."""
    return fitted(lambdas=12, bootstrap=6, tol=1e-13)


def number(text: str) -> float:
    return float(re.search(r"[-+]?\d[\d.]*(e-?\d+)?", plain(text)).group())


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
            picture = visit.page.locator("#scores svg")
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


class TestNetwork:
    @pytest.fixture(scope="class")
    @staticmethod
    def fit() -> taut.Fit:
        return fitted(hidden=(6, 4), lambdas=6, fallback="never", max_epochs=60)

    def test_blank_cells_are_exact_zeros_and_no_others(
        self, browser: Any, tmp_path: Path, fit: taut.Fit
    ) -> None:
        with Visit(browser, report(fit, tmp_path), viewport=TALL) as visit:
            for index in range(len(fit.path)):
                visit.move(index)
                params = fit.path.params[index]
                for number, weights in enumerate((*params.weights, params.skip)):
                    blank = visit.page.locator(f"#heat-{number} canvas").evaluate(
                        "(c) => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((a, i) => i % 4 == 3 && !a).length"
                    )
                    assert blank == np.count_nonzero(weights == 0)
                    told = visit.text(f"#heat-{number} .legend")
                    assert f"{blank} of {weights.size} exactly zero" in told

    def test_live_units_weights_and_histograms_are_the_path_s(
        self, browser: Any, tmp_path: Path, fit: taut.Fit
    ) -> None:
        with Visit(browser, report(fit, tmp_path), viewport=TALL) as visit:
            for index in range(len(fit.path)):
                visit.move(index)
                values = [number(text) for text in visit.page.locator("#alive .entry b").all_inner_texts()]
                live = fit.path.live(index)
                assert values == [live.inputs.sum(), *(mask.sum() for mask in live.neurons)]
                assert visit.page.locator("#table tbody tr").count() == live.inputs.sum()
                first = np.count_nonzero(fit.path.params[index].weights[0])
                assert number(visit.text("#histogram-0 .legend")) == first
            assert visit.faults == []

    def test_a_cell_names_its_input(self, browser: Any, tmp_path: Path, fit: taut.Fit) -> None:
        with Visit(browser, report(fit, tmp_path), viewport=TALL) as visit:
            visit.move(len(fit.path) - 1)
            visit.page.locator("#heat-0 canvas").hover(position={"x": 5, "y": 3})
            assert visit.text("#heat-0 .legend").split("\n")[-1].split(" →")[0] in " ".join(fit.features)


def circles(visit: Visit, kind: str) -> list[tuple[float, float]]:
    """Centres of the dots of the calibration, as shares: the axes of its picture run from 0 to 1."""
    at = "all => all.map((one) => ['cx', 'cy'].map((name) => Number(one.getAttribute(name))))"
    ends = visit.page.locator("#groups line.diagonal").evaluate(
        "(one) => ['x1', 'y1', 'x2', 'y2'].map((name) => Number(one.getAttribute(name)))"
    )
    found = visit.page.locator(f"#groups circle.{kind}").evaluate_all(at)
    x0, y0, x1, y1 = ends
    return [((x - x0) / (x1 - x0), (y - y0) / (y1 - y0)) for x, y in found]


class TestCalibration:
    def test_each_class_has_its_own_beside_the_class_predicted(self, browser: Any, tmp_path: Path) -> None:
        fit = fitted("kind")
        told = fit.evidence.groups.reshape(len(fit.path), -1, 1 + len(fit.classes), 3)
        with Visit(browser, report(fit, tmp_path), viewport=TALL) as visit:
            for index in (2, 7):
                visit.move(index)
                for output, name in enumerate(fit.classes):
                    visit.page.locator(".output select").select_option(str(output))
                    visit.settle()
                    assert visit.text("#groups .legend").startswith(name)
                    np.testing.assert_allclose(
                        circles(visit, "c0"), told[index, :, 1 + output, :2], atol=1e-4
                    )
                    np.testing.assert_allclose(circles(visit, "c1"), told[index, :, 0, :2], atol=1e-4)
            assert visit.faults == []

    def test_a_network_s_inputs_are_those_of_every_class(self, browser: Any, tmp_path: Path) -> None:
        fit = fitted("kind", hidden=(3,), lambdas=4, fallback="never", max_epochs=30)
        with Visit(browser, report(fit, tmp_path), viewport=TALL) as visit:
            first = visit.page.locator("#table tbody").inner_text()
            dots = circles(visit, "c0")
            visit.page.locator(".output select").select_option("2")
            visit.settle()
            assert visit.page.locator("#table tbody").inner_text() == first
            assert circles(visit, "c0") != dots
            assert visit.faults == []


class TestAccessibility:
    """The rules of axe-core: no violation on a page of any kind, in either colours, on a screen or a phone."""

    FITS: ClassVar[dict[str, tuple[str, dict[str, Any]]]] = {
        "linear": ("price", {"lambdas": 12, "bootstrap": 6, "tol": 1e-13}),
        "classes": ("kind", {}),
        "network": ("price", {"hidden": (6, 4), "lambdas": 6, "fallback": "never", "max_epochs": 60}),
    }

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
    "mean of folds": ("price", {"final": "average"}),
    "network at one strength": ("price", {"hidden": (2,), "lam": 0.05, "max_epochs": 3}),
    "network not taken": ("price", {"hidden": (2,), "lambdas": 4, "max_epochs": 2, "fallback": "always"}),
    "network without a skip": (
        "kind",
        {"hidden": (3,), "skip": False, "lambdas": 4, "max_epochs": 20, "fallback": "never"},
    ),
}


class TestOddFits:
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


class TestWithoutScripts:
    def test_the_page_still_says_it_all(self, browser: Any, tmp_path: Path) -> None:
        fit = whole_fit()
        with Visit(browser, report(fit, tmp_path), java_script_enabled=False) as visit:
            page = visit.page
            assert page.locator("#still svg").count() == 2
            assert page.locator("#still svg").first.is_visible()
            assert not page.locator("#live").is_visible()
            tables = page.locator("table")
            assert tables.count() == 3
            rows = tables.first.locator("tbody tr").all_inner_texts()
            kept = fit.coefficients().filter(pl.col("coef") != 0)
            assert [row.split("\t")[0] for row in rows] == kept["feature"].to_list()
            assert page.locator("details tbody tr").count() == len(fit.path)


PAYLOADS = (
    "<script>alert({k})</script>", "</script><script>alert({k})</script>", "<img src=x onerror=alert({k})>",
    "<svg onload=alert({k})>", "\"><img src=x onerror=alert({k})>", "' onmouseover='alert({k})", "javascript:alert({k})",
    "<iframe src=https://example.com/{k}>", "<link rel=stylesheet href=//example.com/{k}>", "<!--{k}", "--><b>{k}",
    "]]><script>alert({k})</script>", "${{alert({k})}}", "{{{{constructor.constructor('alert({k})')()}}}}",
    "<style>@import url(//example.com/{k})</style>", "url(//example.com/{k})", "<base href=//example.com/{k}>",
    "<meta http-equiv=refresh content=0;url=//example.com/{k}>", "\\u003cscript\\u003ealert({k})", "&lt;script&gt;{k}",
    "&#60;img src=x onerror=alert({k})&#62;", "\u2028alert({k})", "\u2029alert({k})", "\u202ereversed{k}", "\x1b[31mred{k}",
    "=cmd|'/c calc'!A{k}", "+SUM({k})", "@import {k}", "__proto__ {k}", "constructor{k}", "toString{k}", "a" * 4000 + "{k}",
    "<math><mi xlink:href=javascript:alert({k})>", "<a href=javascript:alert({k})>x", "<textarea>{k}", "<title>{k}",
    "</title><script>alert({k})</script>", "</style><script>alert({k})</script>", "</pre><script>alert({k})</script>",
    "<object data=//example.com/{k}>", "<video src=//example.com/{k} onerror=alert({k})>", "%3Cscript%3Ealert({k})",
    "`${{alert({k})}}`", "*/alert({k})/*", "//alert({k})", "\\';alert({k});//", "\\\";alert({k});//", "\n<b>{k}", "\t{k}",
    "日本語{k}", "é́{k}", "🙂{k}", "<x onclick=alert({k})>", "$policy{k}", "$data{k}",
)  # fmt: skip


def hostile_table() -> pl.DataFrame:
    """At least 100 hostile names: of columns, and of categories."""
    rng = np.random.default_rng(0)
    rows = 220
    names = [payload.format(k=k) for k, payload in enumerate(PAYLOADS)]
    x = rng.normal(size=(rows, len(names)))
    columns: dict[str, Any] = {name: x[:, j] for j, name in enumerate(names)}
    for part in range(0, len(names), 6):
        levels = [f"{name} level" for name in names[part : part + 6]]
        columns[f"<b>category {part}</b>"] = rng.choice(levels, rows).tolist()
    columns["<script>alert('y')</script>"] = x.sum(axis=1) + rng.normal(size=rows)
    return pl.DataFrame(columns)


class TestHostileNames:
    @pytest.fixture(scope="class")
    @staticmethod
    def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
        target = "<script>alert('y')</script>"
        fit = taut.fit(hostile_table(), target, cv=3, lambdas=8, test_size=0.2)
        assert len(fit.features) >= 100
        return fit.report(tmp_path_factory.mktemp("hostile") / "page.html")

    def test_run_nothing_and_ask_for_nothing(self, browser: Any, page: Path) -> None:
        with Visit(browser, page, viewport=TALL) as visit:
            for index in range(8):
                visit.move(index)
            for pin in visit.page.locator("#table .pin").all()[:60]:
                pin.click()
            visit.page.locator("#path svg").hover()
            visit.settle()
            assert visit.faults == []
            assert visit.requests == [page.as_uri()]
            scripts = visit.page.locator("script").count()
            assert scripts == 2
            foreign = "#live :is(img, iframe, object, video, link, meta, base, math, style, title, a), h1 *, .lead script"
            assert visit.page.locator(foreign).count() == 0

    def test_are_shown_as_they_are(self, browser: Any, page: Path) -> None:
        with Visit(browser, page, viewport=TALL) as visit:
            visit.move(7)
            shown = visit.page.locator("#table .feature").evaluate_all(
                "all => all.map((one) => one.textContent)"
            )
            assert "<img src=x onerror=alert(2)>" in shown
            assert "$policy" in " ".join(shown)
            assert visit.page.locator("h1").inner_text().startswith("<script>alert('y')</script>")

    def test_without_scripts_too(self, browser: Any, page: Path) -> None:
        with Visit(browser, page, java_script_enabled=False) as visit:
            assert (
                visit.page.locator("main :is(img, iframe, object, video, link, base, math, a)").count() == 0
            )
            assert visit.requests == [page.as_uri()]

    def test_in_a_notebook_s_frame(self, browser: Any, page: Path, tmp_path: Path) -> None:
        target = "</script><script>alert('y')</script>"
        rng = np.random.default_rng(0)
        columns = {'"><script>alert(1)</script>': rng.normal(size=30), target: rng.normal(size=30)}
        cell = tmp_path / "cell.html"
        display = taut.fit(columns, target, cv=3, lambdas=4)._repr_html_()
        cell.write_text(f"<!doctype html><title>notebook</title>{display}", encoding="utf-8")
        with Visit(browser, cell) as visit:
            frame = visit.page.frames[1]
            frame.wait_for_selector("#live .panel")
            assert frame.locator("#live > .panel").count() == 3
            assert visit.faults == []


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two #rrggbb colours (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        parts = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


class TestLooks:
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
            assert visit.page.locator("#path svg").is_visible()
            assert not visit.page.locator("#slider").is_visible()
            visit.page.locator("body").evaluate("(body) => { body.style.width = '700px'; }")
            wide = "all => all.filter((one) => one.getBoundingClientRect().right > 701).map((one) => one.id)"
            assert visit.page.locator("#live > .panel").evaluate_all(wide) == []
