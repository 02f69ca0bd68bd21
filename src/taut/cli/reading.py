"""The commands that read a model: predict, report and show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from taut.cli.outcome import Exit, note, stop, write_out
from taut.cli.terminal import reading_bar, say, say_json
from taut.design import clean
from taut.lesson import teach
from taut.model_file import written_atomically
from taut.report import GENERATOR
from taut.tabular import MODEL, Fit, column_lines, csv_text, grouped, labelled, load, path_rows, run_record

if TYPE_CHECKING:
    import polars as pl

LOOKED_AT = 50
"""Lines of a file that are looked at before predictions are written over it."""


def run_predict(
    model: Path, data: Path, out: Path | None, as_json: bool, quiet: bool, force: bool = False
) -> None:
    """Write a prediction per row as it comes: numbers, or the class and the probability of each class.

    Quiet means without remarks: the predictions are what was asked for, and a redirected file is not to stay empty.
    """
    fit = load(model)
    if out is not None:
        _check_place(out, data, fit, force)
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
        _write_tables(tables, lambda text: write_out(text.decode()))


def _check_place(out: Path, data: Path, fit: Fit, force: bool) -> None:
    """Leave with a word where ``out`` is the input, or a file that holds something else than predictions of this target."""
    if not out.is_file():
        return
    if data.exists() and out.samefile(data):
        raise stop(Exit.USAGE, f"{out} is the input: --out would write over it; choose another file")
    if not force and not _holds_predictions(out, fit):
        raise stop(
            Exit.USAGE,
            f"{out} is there and holds no predictions of {clean(fit.setting.target.name)}; --force writes over it, --out"
            " names another",
        )


def _holds_predictions(out: Path, fit: Fit) -> bool:
    """Whether a file looks as predictions of this model are written, in its first lines at least."""
    import polars as pl

    header = csv_text(pl.DataFrame(schema=dict.fromkeys(_columns(fit), pl.Float64))).encode()
    with out.open("rb") as file:
        if file.readline() != header:
            return False
        lines = [line for line in (file.readline() for _ in range(LOOKED_AT)) if line]
    return bool(fit.classes) or all(_is_written_double(line) for line in lines)


def _is_written_double(line: bytes) -> bool:
    """Whether a line is a number as predictions are written: with a point, and with all its digits."""
    try:
        return repr(float(line)).encode() == line.rstrip(b"\n")
    except ValueError:
        return False


def _columns(fit: Fit) -> list[str]:
    """The header of the predictions."""
    return [fit.setting.target.name, *(f"P({label})" for label in fit.classes)]


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

    with reading_bar(data, shown) as progress:
        for eta in fit.decisions(data, say=told, progress=progress):
            shares = fit.probabilities(eta).T.tolist() if fit.classes else []
            yield pl.DataFrame(
                dict(zip(_columns(fit), [fit.predictions(eta).tolist(), *shares], strict=True))
            )


def run_report(model: Path, out: Path | None, no_gram: bool, force: bool, as_json: bool, quiet: bool) -> None:
    """Write the page; a file in its place that is no report is left alone without ``force``."""
    fit = load(model)
    place = out or Path(f"{_name(model)}.html")
    _check_page(place, force)
    fit.report(place, gram=not no_gram)
    _say_page(place, as_json, quiet)


def run_teach(out: Path, force: bool, as_json: bool, quiet: bool) -> None:
    """Write the page of the lesson; a file in its place that is no page of taut is left alone without ``force``."""
    _check_page(out, force)
    _say_page(teach(out), as_json, quiet)


def _check_page(place: Path, force: bool) -> None:
    """Refuse to write over what is no page of taut."""
    if place.exists() and not force and GENERATOR not in place.read_bytes():
        raise stop(
            Exit.USAGE, f"{place} is there and no report of taut; --force writes over it, --out names another"
        )


def _say_page(place: Path, as_json: bool, quiet: bool) -> None:
    """Say what was written."""
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
