"""Networks and classes in the browser: cells, units, calibration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import taut
from tests.report.browser.pages import TALL, number, report
from tests.report.browser.visit import Visit, needs_chromium
from tests.tables import fitted

pytestmark = needs_chromium


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

    def test_the_diagram_draws_what_is_in_use_and_nothing_else(
        self, browser: Any, tmp_path: Path, fit: taut.Fit
    ) -> None:
        blank = "(c) => !c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((value) => value)"
        with Visit(browser, report(fit, tmp_path), viewport=TALL) as visit:
            for index in range(len(fit.path)):
                visit.move(index)
                live = fit.path.live(index)
                assert visit.page.locator(
                    "#diagram .neuron:not(.gone)"
                ).count() == 1 + live.inputs.sum() + sum(mask.sum() for mask in live.neurons)
                assert visit.page.locator("#diagram canvas").evaluate(blank) == (not live.inputs.any())
                assert (
                    f"{live.inputs.sum()} of {len(fit.features)}"
                    in visit.page.locator("#diagram .head").first.text_content()
                )
            assert [
                fault for fault in visit.faults if "willReadFrequently" not in fault
            ] == []  # the test reads pixels

    def test_a_page_of_large_layers_is_at_most_450_kb(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        columns = {f"probe {j}": rng.normal(size=80) for j in range(80)}
        y = columns["probe 0"] * columns["probe 1"] + 0.1 * rng.normal(size=80)
        fit = taut.fit({**columns, "y": y}, "y", hidden=(64, 64), cv=3, fallback="never", max_epochs=1)
        assert len(fit.path) >= 30
        assert report(fit, tmp_path).stat().st_size <= 450_000

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

    @pytest.mark.slow
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
