"""Names from the data run nothing, ask for nothing, and are shown as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import taut
from tests.report.browser.pages import TALL
from tests.report.browser.visit import Visit, needs_chromium

pytestmark = needs_chromium


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
            visit.page.locator("#path .plot > svg").hover()
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
