"""The figures of the mathematics page are what their script draws, and show what the page says of them."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from scripts.draw_figures import FIGURES, IMAGES


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_small_and_what_its_script_draws(name: str) -> None:
    """The same elements, and numbers within a pixel or two in a hundred: another processor rounds elsewhere."""
    kept, drawn = (IMAGES / f"{name}.svg").read_text(encoding="utf-8"), FIGURES[name]()
    assert len(kept.encode()) < 50_000
    ElementTree.fromstring(kept)
    number = re.compile(r"-?\d+(?:\.\d+)?")
    assert number.sub("#", kept) == number.sub("#", drawn)
    assert [float(x) for x in number.findall(kept)] == pytest.approx(
        [float(x) for x in number.findall(drawn)], rel=0.02, abs=1.5
    )


def test_the_diamond_has_a_zero_and_the_disc_has_none() -> None:
    shapes = (IMAGES / "shapes.svg").read_text(encoding="utf-8")
    corner, inside = re.findall(r"\((-?[\d.]+), (-?[\d.]+)\)", shapes)[-2:]
    assert corner[1] == "0"
    assert float(inside[1]) > 0
    histograms = (IMAGES / "histograms.svg").read_text(encoding="utf-8")
    zeros = {
        name: [int(z) for z in re.findall(rf"{name}, λ = [\d.]+: (\d+) exactly", histograms)]
        for name in ("L1", "L2")
    }
    assert zeros["L1"] == sorted(zeros["L1"], reverse=True)
    assert zeros["L1"][0] > 150
    assert zeros["L2"] == [0, 0, 0]


def test_every_figure_is_on_the_page() -> None:
    page = (IMAGES.parent / "mathematics.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\(images/(\w+)\.svg\)", page)) == set(FIGURES)
