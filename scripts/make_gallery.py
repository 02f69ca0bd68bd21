"""Fits the tables of docs/gallery.md by the commands that stand there: ``python -m scripts.make_gallery FOLDER``.

FOLDER holds the tables that taut does not ship, by the names in gallery.toml. Writes docs/gallery.md and its pictures.
"""

from __future__ import annotations

import shlex
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from click.testing import CliRunner

import taut
from scripts.draw_figures import COLOURS, Panel, figure
from taut.cli import main as command_line
from taut.tabular import grouped, metric_of

ROOT = Path(__file__).resolve().parents[1]
LIST = Path(__file__).with_name("gallery.toml")


class Table(NamedTuple):
    """A table of the gallery: where its file lies in FOLDER, the options of its fit, what it shows, whence it is."""

    name: str
    file: str
    options: str
    words: str
    source: str


GALLERY = tuple(Table(**entry) for entry in tomllib.loads(LIST.read_text(encoding="utf-8"))["table"])

BEGINNING = """# Gallery: real tables and their reports

Each command writes a folder, of which `taut report` makes the page; the numbers are what the commands found, written here by
`python -m scripts.make_gallery FOLDER`. Only the first table ships with taut; the others are at their sources, under the names
that the commands have.
"""


def fitted(table: Table, folder: Path, place: Path) -> taut.Fit:
    """The fit that the table's command writes."""
    file = (ROOT if table.file.startswith("examples/") else folder) / table.file
    arguments = ["fit", str(file), *shlex.split(table.options), "--out", str(place), "--quiet"]
    done = CliRunner().invoke(command_line, arguments)
    if done.exit_code:
        raise RuntimeError(f"{table.name}: {done.output}")
    return taut.load(place)


def entry(table: Table, fit: taut.Fit, picture: str) -> str:
    """What the page says of one table."""
    file = table.file if table.file.startswith("examples/") else Path(table.file).name
    name = Path(file).name.split(".")[0]
    sizes, tested = fit.setting.sizes, fit.tested[0]
    kept = fit.nonzeros
    rows = f"{grouped(sizes.train)} rows to fit, {grouped(sizes.test)} to test"
    unit = f"of {len(fit.features)} features" if fit.is_linear else "weights"
    words = metric_of(fit.loss).name
    judged = ", ".join(f"{j.model} {told(j.score)}" for j in fit.tested[1:] if np.isfinite(j.score))
    return f"""
## {table.name}

{table.words}

    $ taut fit {file} {table.options}
    $ taut report {name}.taut

{rows}; λ = {fit.lam:.3g} keeps {kept} {unit}. Test {words} {told(tested.score)} ({judged}).

![{table.name}: along λ, the chosen λ dashed](images/gallery/{picture})

*{table.source}.*
"""


def told(score: float) -> str:
    """Four digits, without a power of ten where the number is large."""
    return f"{score:.4g}" if score < 1e4 else grouped(round(score, -1))


def picture(fit: taut.Fit) -> str:
    """The strongest features along λ, and the chosen λ."""
    names = list(fit.features)
    drawn = fit.path.drawn(names, fit.spread.features / fit.spread.target if fit.is_linear else None)
    values = drawn.values[:, 0]
    at = -np.log10(
        np.where(fit.path.lambdas > 0, fit.path.lambdas, fit.path.lambdas[fit.path.lambdas > 0].min() / 2)
    )
    low, high = float(min(values.min(), 0)), float(max(values.max(), 0))
    room = 0.05 * (high - low)
    panel = Panel(0, "", (float(at[0]), float(at[-1])), (low - room, high + room), 170)
    decades = [k for k in range(-9, 9) if at[0] <= -k <= at[-1]]
    panel.axes(
        [(-k, f"{10.0**k:g}") for k in decades], [(0.0, "0"), (high, f"{high:.2g}")], "λ, strong → weak"
    )
    few = np.unique(np.linspace(0, len(at) - 1, 40).astype(int))
    for rank, j in reversed(list(enumerate(np.argsort(-np.abs(values[:, fit.index]))[:16]))):
        panel.line(at[few], values[j, few], COLOURS[rank] if rank < len(COLOURS) else "#c8c8c8")
    panel.line(np.repeat(at[fit.index], 2), np.array([low, high]), "#222", more='stroke-dasharray="3 4"')
    return figure([panel], drawn.label)


def main() -> None:
    """Fit all tables and write the page."""
    folder, images = Path(sys.argv[1]), ROOT / "docs" / "images" / "gallery"
    images.mkdir(exist_ok=True)
    parts = [BEGINNING]
    with tempfile.TemporaryDirectory() as workplace:
        for k, table in enumerate(GALLERY):
            fit = fitted(table, folder, Path(workplace) / f"{k}.taut")
            name = f"{table.name.lower().replace(' ', '_')}.svg"
            (images / name).write_text(picture(fit), encoding="utf-8")
            parts.append(entry(table, fit, name))
            print(table.name, flush=True)
    (ROOT / "docs" / "gallery.md").write_text("".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
