"""Draws the figures of docs/mathematics.md from fits made here: ``python -m scripts.draw_figures`` writes docs/images/*.svg."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

import taut
from taut.types import Float

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
COLOURS = ("#0072b2", "#d55e00", "#008560", "#b04f93", "#b98300", "#3d8dc0")
STYLE = (
    "text{font:13px sans-serif;fill:#333}.t{font-weight:600}.g{stroke:#e4e4e4}"
    "path,polyline{fill:none;stroke-width:2}"
)
WIDE, HIGH, LEFT, TOP, BETWEEN, BELOW = 300, 230, 46, 30, 58, 44


class Panel:
    """One picture of a figure: data to pixels, with its axes."""

    def __init__(
        self, place: int, title: str, x: tuple[float, float], y: tuple[float, float], high: int = HIGH
    ) -> None:
        self.x0, self.high = LEFT + place * (WIDE + BETWEEN), high
        self.x, self.y = x, y
        self.parts = [f'<text class="t" x="{self.x0}" y="{TOP - 12}">{title}</text>']

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The pixel of a point."""
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return self.x0 + across * WIDE, TOP + (1 - up) * self.high

    def axes(self, xs: Sequence[tuple[float, str]], ys: Sequence[tuple[float, str]], below: str) -> None:
        """Lines at the given values, with their words."""
        for y, words in ys:
            px, py = self.at(self.x[0], y)
            self.parts.append(f'<path class="g" d="M{px:.0f} {py:.1f}h{WIDE}"/>')
            self.parts.append(f'<text x="{px - 6:.0f}" y="{py + 4:.1f}" text-anchor="end">{words}</text>')
        for x, words in xs:
            px, py = self.at(x, self.y[0])
            self.parts.append(f'<text x="{px:.1f}" y="{py + 17:.1f}" text-anchor="middle">{words}</text>')
        self.parts.append(
            f'<text x="{self.x0 + WIDE / 2:.0f}" y="{TOP + self.high + 36}" text-anchor="middle">{below}</text>'
        )

    def line(self, xs: Float, ys: Float, colour: str, fill: str = "none", more: str = "") -> None:
        """A curve through points."""
        points = " ".join("{:.1f},{:.1f}".format(*self.at(x, y)) for x, y in zip(xs, ys, strict=True))
        self.parts.append(f'<polyline points="{points}" stroke="{colour}" style="fill:{fill}" {more}/>')

    def bar(self, left: float, top: float, width: float, base: float, colour: str) -> None:
        """An upright bar, in pixels."""
        place = f'x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{base - top:.1f}"'
        self.parts.append(f'<rect {place} fill="{colour}"/>')

    def dot(self, x: float, y: float, colour: str, words: str = "", up: float = 7) -> None:
        """A point, and words beside it."""
        px, py = self.at(x, y)
        self.parts.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="5" fill="{colour}"/>')
        self.parts.append(f'<text x="{px + 9:.1f}" y="{py - up:.1f}">{words}</text>')

    def text(self, x: float, y: float, words: str, colour: str = "#333", up: float = 0.0) -> None:
        """Words at a point of the data, or ``up`` pixels above it."""
        px, py = self.at(x, y)
        py -= up
        self.parts.append(f'<text x="{px:.1f}" y="{py:.1f}" style="fill:{colour}">{words}</text>')


def figure(panels: Sequence[Panel], title: str, rows: int = 1) -> str:
    """The panels beside each other as one SVG on white."""
    count = max(1, len(panels) // rows)
    width = LEFT + count * WIDE + (count - 1) * BETWEEN + 70
    height = TOP + panels[0].high + BELOW
    body = "".join(part for panel in panels for part in panel.parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
        f'<title>{title}</title><style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>{body}</svg>\n'
    )


def two_columns() -> tuple[Float, Float]:
    """Rows of two correlated columns, mean 0 and variance 1, of which y needs the first more."""
    rng = np.random.default_rng(1)
    Z = rng.normal(size=(400, 2)) @ np.array([[1.0, 0.5], [0.0, 0.8]])
    X = (Z - Z.mean(axis=0)) / Z.std(axis=0)
    return X, X @ np.array([1.0, 0.35]) + 0.5 * rng.normal(size=400)


def shapes() -> str:
    """The diamond of L1 and the disc of L2, each touched by the loss at the solution."""
    X, y = two_columns()
    return figure(
        [_shape(k, X, y - y.mean()) for k in range(2)], "Where the loss meets the diamond and the disc"
    )


def _shape(place: int, X: Float, y: Float) -> Panel:
    penalty, lam, name = ((taut.L1(), 1.1, "L1: the diamond"), (taut.L2(), 0.9, "L2: the disc"))[place]
    free = np.linalg.lstsq(X, y, rcond=None)[0]
    w = taut.fit_path(X, y, penalty=penalty, lambdas=[lam], standardize=False, tol=1e-10).coefs[0]
    panel = Panel(place, name, (-0.75, 1.35), (-0.75, 0.86))
    panel.parts.append(
        f'<clipPath id="inside{place}"><rect x="{panel.x0}" y="{TOP}" width="{WIDE}" height="{HIGH}"/></clipPath>'
    )
    angle = np.linspace(0, 2 * np.pi, 121)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    size = np.abs(w).sum() / np.abs(circle).sum(axis=0) if place == 0 else np.full(121, np.linalg.norm(w))
    panel.line(*(size * circle), colour=COLOURS[0], fill="#0072b226")
    root = np.linalg.cholesky(np.linalg.inv(X.T @ X))
    touching = float(np.linalg.norm(X @ (w - free)))
    for share in (0.35, 0.7, 1.0, 1.35):
        ring = free[:, None] + share * touching * (root @ circle)
        ink = f'stroke-opacity="{1 if share == 1 else 0.4}" clip-path="url(#inside{place})"'
        panel.line(*ring, colour=COLOURS[1], more=ink)
    panel.axes(
        [(v, f"{v:g}") for v in (-0.5, 0, 0.5, 1)],
        [(v, f"{v:g}") for v in (-0.5, 0, 0.5)],
        "w₁ across, w₂ up",
    )
    panel.dot(*free, COLOURS[1], "no penalty")
    panel.dot(*w, "#222", f"({w[0]:.2f}, {w[1]:.2f})" if w[1] else f"({w[0]:.2f}, 0)", up=-20)
    return panel


def grades() -> tuple[Float, Float, tuple[str, ...]]:
    """The shipped table as taut prepares it: training features, standardised, and the grade, with names."""
    table = IMAGES.parents[1] / "examples" / "student-por.csv"
    fit = taut.fit(table, "G3", cv=3, lambdas=3)
    train = taut.tabular.prepare(table, fit.setting.options).train
    X, y = np.asarray(train.X), np.asarray(train.y)
    scale = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(scale > 0, scale, 1), (y - y.mean()) / y.std(), tuple(fit.features)


def paths() -> str:
    """Coefficients of the shipped table along λ, under L1 and under L2."""
    X, y, names = grades()
    keep = [names.index(name) for name in names if name not in ("G1", "G2")]
    panels = []
    for place, (penalty, title, low) in enumerate(
        (
            (taut.L1(), "L1: features enter one by one", 0.003),
            (taut.L2(), "L2: all are there, all shrink", 0.003),
        )
    ):
        lambdas = np.geomspace(0.8 if place == 0 else 30, low, 32)
        coefs = taut.fit_path(X[:, keep], y, penalty=penalty, lambdas=lambdas, tol=1e-8).coefs
        at = -np.log10(lambdas)
        panel = Panel(place, title, (float(at[0]), float(at[-1])), (-0.3, 0.26))
        decades = [v for v in (1, 0, -1, -2) if at[0] <= -v <= at[-1]]
        panel.axes(
            [(-v, f"{10.0**v:g}") for v in decades],
            [(v, f"{v:g}") for v in (-0.2, -0.1, 0, 0.1, 0.2)],
            "λ, strong → weak",
        )
        strongest = np.argsort(-np.abs(coefs[16]))
        for rank, j in reversed(list(enumerate(strongest))):
            panel.line(at, coefs[:, j], COLOURS[rank] if rank < 6 else "#c8c8c8")
        panels.append(panel)
    return figure(panels, "Regularization paths of a table of grades, lasso and ridge")


def bias_and_variance() -> str:
    """Squared bias and variance of ridge fits to many tables drawn from one law, and what they add up to on new rows."""
    rng = np.random.default_rng(2)
    truth = rng.normal(size=30) * (rng.random(30) < 0.4)
    new = rng.normal(size=(300, 30))
    lambdas = np.geomspace(30, 0.01, 25)
    fits = []
    for _ in range(80):
        X = rng.normal(size=(45, 30))
        path = taut.fit_path(X, X @ truth + 2 * rng.normal(size=45), penalty=taut.L2(), lambdas=lambdas)
        fits.append(new @ path.coefs.T + path.intercepts)
    found = np.array(fits)
    variance = found.var(axis=0).mean(axis=0)
    bias = ((found.mean(axis=0) - (new @ truth)[:, None]) ** 2).mean(axis=0)
    total, at = bias + variance, -np.log10(lambdas)
    panel = Panel(0, "What λ trades", (float(at[0]), float(at[-1])), (0, float(total.max()) * 1.06))
    panel.axes(
        [(-v, f"{10.0**v:g}") for v in (1, 0, -1, -2)],
        [(v, f"{v:g}") for v in range(0, int(total.max()) + 1, 4)],
        "λ, strong → weak",
    )
    for k, (values, words) in enumerate(((bias, "bias²"), (variance, "variance"), (total, "sum"))):
        panel.line(at, values, COLOURS[k])
        panel.text(float(at[-1]), float(values[-1]), f"&#160;{words}", COLOURS[k], up=12 if k == 2 else -6)
    best = int(np.argmin(total))
    panel.dot(float(at[best]), float(total[best]), "#222")
    panel.text(float(at[best]) - 0.7, float(total[best]), f"least at λ = {lambdas[best]:.2g}", up=42)
    return figure([panel], "Bias and variance along λ")


def histograms() -> str:
    """Coefficients of 200 features at three strengths, under L1 and L2: the exact zeros stand apart."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(300, 200))
    y = X[:, :40] @ rng.normal(size=40) + 3 * rng.normal(size=300)
    edges = np.linspace(-2.5, 2.5, 26) * 0.28
    rows: list[Callable[[], list[Panel]]] = []
    for penalty, name, lambdas in ((taut.L1(), "L1", (0.02, 0.08, 0.2)), (taut.L2(), "L2", (0.02, 0.5, 5.0))):
        coefs = taut.fit_path(X, y, penalty=penalty, lambdas=sorted(lambdas, reverse=True)).standardized_coefs
        rows.append(
            lambda coefs=coefs, name=name, lambdas=lambdas: _bars(
                coefs, name, sorted(lambdas, reverse=True), edges
            )
        )
    top, bottom = (make() for make in rows)
    return _stacked(top, bottom, "Histograms of 200 coefficients along λ")


def _bars(coefs: Float, name: str, lambdas: Sequence[float], edges: Float) -> list[Panel]:
    panels = []
    for place, (w, lam) in enumerate(zip(coefs, lambdas, strict=True)):
        zeros = int((w == 0).sum())
        panel = Panel(
            place,
            f"{name}, λ = {lam:g}: {zeros} exactly zero",
            (float(edges[0]), float(edges[-1])),
            (0, 200),
            130,
        )
        panel.axes(
            [(v, f"{v:g}") for v in (-0.5, 0, 0.5)], [(v, f"{v}") for v in (0, 100, 200)], "weight per sd"
        )
        counts = np.histogram(np.clip(w[w != 0], edges[0], edges[-1]), edges)[0]
        for k, count in enumerate(counts):
            (left, top), (right, base) = panel.at(edges[k], count), panel.at(edges[k + 1], 0)
            panel.bar(left + 0.5, top, right - left - 1, base, COLOURS[0])
        (x, top), (_, base) = panel.at(0, zeros), panel.at(0, 0)
        panel.bar(x - 2, top, 4, base, COLOURS[1])
        panels.append(panel)
    return panels


def _stacked(top: list[Panel], bottom: list[Panel], title: str) -> str:
    down = TOP + top[0].high + BELOW
    bottom[0].parts.insert(0, f'<g transform="translate(0 {down})">')
    bottom[-1].parts.append("</g>")
    drawn = figure([*top, *bottom], title, rows=2)
    height = TOP + top[0].high + BELOW
    return drawn.replace(f' {height}" width', f' {2 * height}" width', 1).replace(
        f'height="{height}"', f'height="{2 * height}"', 1
    )


FIGURES: dict[str, Callable[[], str]] = {
    "shapes": shapes,
    "paths": paths,
    "bias_variance": bias_and_variance,
    "histograms": histograms,
}


def main() -> None:
    """Write every figure."""
    for name, draw in FIGURES.items():
        (IMAGES / f"{name}.svg").write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
