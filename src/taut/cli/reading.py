"""The commands that read a model: predict, report and show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from taut.cli.outcome import Exit, note, stop
from taut.cli.terminal import reading_bar, say, say_json
from taut.design import clean
from taut.model_file import written_atomically
from taut.report import GENERATOR
from taut.tabular import Fit, load
from taut.tabular.storing import MODEL, csv_text, run_record
from taut.tabular.words.columns import column_lines
from taut.tabular.words.numbers import grouped
from taut.tabular.words.summary import labelled, path_rows

if TYPE_CHECKING:
    import polars as pl


def run_predict(model: Path, data: Path, out: Path | None, as_json: bool, quiet: bool) -> None:
    """Write a prediction per row as it comes: numbers, or the class and the probability of each class.

    Quiet means without remarks: the predictions are what was asked for, and a redirected file is not to stay empty.
    """
    fit = load(model)
    silent = quiet or as_json
    told: Callable[[str], None] = _ignore if quiet else note
    tables = _prediction_tables(fit, data, told, not silent)
    if as_json:
        whole = [*tables]
        tables = iter(whole)
        say_json([row for table in whole for row in table.to_dicts()])
    if out is not None:
        with written_atomically(out) as file:
            rows = _write_tables(tables, file.write)
        if not silent:
            say(
                labelled("Wrote", [f"{out}  {grouped(rows)} predictions of {clean(fit.setting.target.name)}"])
            )
    elif not as_json:
        _write_tables(tables, lambda text: click.echo(text, nl=False))


def _ignore(text: str) -> None:
    """Say nothing."""


def _write_tables(tables: Iterable[pl.DataFrame], write: Callable[[bytes], object]) -> int:
    """Write one CSV of all tables, under the header of the first; return the number of rows."""
    rows = 0
    for table in tables:
        text = csv_text(table)
        write((text if rows == 0 else text.partition("\n")[2]).encode())
        rows += len(table)
    return rows


def _prediction_tables(
    fit: Fit, data: Path, told: Callable[[str], None], shown: bool
) -> Iterator[pl.DataFrame]:
    """The predictions of runs of the rows of ``data``, a column for each thing predicted."""
    import polars as pl

    name = fit.setting.target.name
    with reading_bar(data, shown) as progress:
        for eta in fit.decisions(data, say=told, progress=progress):
            columns = {f"{name}": fit.predictions(eta).tolist()}
            if fit.classes:
                shares = fit.probabilities(eta)
                columns |= {f"P({label})": shares[:, k].tolist() for k, label in enumerate(fit.classes)}
            yield pl.DataFrame(columns)


def run_report(model: Path, out: Path | None, no_gram: bool, force: bool, as_json: bool, quiet: bool) -> None:
    """Write the page; a file in its place that is no report is left alone without ``force``."""
    fit = load(model)
    place = out or Path(f"{_name(model)}.html")
    if place.exists() and not force and GENERATOR not in place.read_bytes():
        raise stop(
            Exit.USAGE, f"{place} is there and no report of taut; --force writes over it, --out names another"
        )
    fit.report(place, gram=not no_gram)
    if as_json:
        say_json({"out": str(place), "bytes": place.stat().st_size})
    elif not quiet:
        size = round(place.stat().st_size / 1000)
        say(labelled("Wrote", [f"{place}  {size} kB, one page for any browser; it needs no network"]))


def _name(model: Path) -> str:
    """What a model is called: its folder's name, or its file's."""
    place = (
        model.resolve().parent if model.name == MODEL and model.resolve().parent.suffix else model.resolve()
    )
    return place.stem


def run_show(model: Path, parts: tuple[bool, bool, bool], as_json: bool, quiet: bool) -> None:
    """Print the summary, or the parts asked for in full."""
    fit = load(model)
    if as_json:
        say_json({**run_record(fit), "coefficients": fit.coefficients().to_dicts()})
    if as_json or quiet:
        return
    whole_path, coefficients, columns = parts
    if not any(parts):
        say(str(fit).splitlines())
    if whole_path:
        say(path_rows(fit, every=True))
    if coefficients:
        say(_coefficients(fit), labels=False)
    if columns:
        say(column_lines(fit.setting.preparation), labels=False)


def _coefficients(fit: Fit) -> list[str]:
    """The kept coefficients as a plain table, strongest first."""
    table = fit.coefficients()
    last = table.columns[-1]
    kept = table.filter(table[last] != 0)
    rows = [tuple(table.columns), *((_cell(v) for v in row) for row in kept.iter_rows())]
    cells = [[*row] for row in rows]
    widths = [max(len(row[j]) for row in cells) for j in range(len(table.columns))]
    texts = len([d for d in table.dtypes if not d.is_numeric()])
    return [
        "  ".join(
            f"{c:<{w}}" if j < texts else f"{c:>{w}}"
            for j, (c, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]


def _cell(value: object) -> str:
    return f"{value:+.6g}" if isinstance(value, float) else clean(value)
