"""The commands that read a model: predict, report and show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from taut.cli.outcome import Exit, note, stop, usage_errors, write_out
from taut.cli.terminal import reading_bar, say, say_json
from taut.design import clean
from taut.model_file import written_atomically
from taut.report import GENERATOR
from taut.tabular import (
    MODEL,
    Fit,
    column_lines,
    csv_text,
    eta_words,
    grouped,
    held_out_errors,
    interval_runs,
    labelled,
    load,
    path_rows,
    run_record,
)

if TYPE_CHECKING:
    import polars as pl

ENDS, SETS = ["lower", "upper"], ["set"]
"""The columns that an interval adds, for numbers and for classes."""
LOOKED_AT = 50
"""Lines of a file that are looked at before predictions are written over it."""


def run_predict(
    model: Path,
    data: Path,
    out: Path | None,
    as_json: bool,
    quiet: bool,
    force: bool = False,
    interval: float | None = None,
) -> None:
    """Write a prediction per row as it comes: numbers, or the class and the probability of each class.

    Quiet means without remarks: the predictions are what was asked for, and a redirected file is not to stay empty.
    """
    fit = load(model)
    if interval is not None:
        with usage_errors():
            held_out_errors(fit)
    if out is not None:
        _check_place(out, data, fit, force)
    silent = quiet or as_json
    told: Callable[[str], None] = _ignore if quiet else note
    tables = _prediction_tables(fit, data, told, not silent, interval)
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

    headers = [
        csv_text(pl.DataFrame(schema=dict.fromkeys([*_columns(fit), *more], pl.Float64))).encode()
        for more in ([], _added(fit))
    ]
    with out.open("rb") as file:
        if file.readline() not in headers:
            return False
        lines = [line for line in (file.readline() for _ in range(LOOKED_AT)) if line]
    return bool(fit.classes) or all(_is_written_double(line) for line in lines)


def _is_written_double(line: bytes) -> bool:
    """Whether a line is of numbers as predictions are written: with a point, and with all their digits."""
    try:
        return all(repr(float(cell)).encode() == cell for cell in line.rstrip(b"\n").split(b","))
    except ValueError:
        return False


def _columns(fit: Fit) -> list[str]:
    """The header of the predictions."""
    return [fit.setting.target.name, *(f"P({label})" for label in fit.classes)]


def _added(fit: Fit) -> list[str]:
    """The columns that an interval adds; _ follows where the target is called like one of them."""
    names = SETS if fit.classes else ENDS
    return [f"{name}_" if name == fit.setting.target.name else name for name in names]


def _ignore(text: str) -> None:
    """Say nothing."""


def _write_tables(tables: Iterable[pl.DataFrame], write: Callable[[bytes], object]) -> int:
    """Write one CSV of all tables, under the header of the first; return the number of rows."""
    import polars as pl

    rows = 0
    for table in tables:
        lists = [name for name, kind in table.schema.items() if kind == pl.List]
        text = csv_text(table.with_columns(_joined(table[name]) for name in lists))
        write((text if rows == 0 else text.partition("\n")[2]).encode())
        rows += len(table)
    return rows


def _joined(sets: pl.Series) -> pl.Series:
    """Sets of classes as a CSV holds them: the classes with ; between them."""
    import polars as pl

    texts = [";".join(map(str, one)) for one in sets.to_list()]
    return pl.Series(sets.name, texts, dtype=pl.String)


def _prediction_tables(
    fit: Fit, data: Path, told: Callable[[str], None], shown: bool, interval: float | None
) -> Iterator[pl.DataFrame]:
    """The predictions of runs of the rows of ``data``, a column for each thing predicted."""
    import polars as pl

    with reading_bar(data, shown) as progress:
        runs = (
            ((eta, {}) for eta in fit.decisions(data, say=told, progress=progress))
            if interval is None
            else interval_runs(fit, data, interval, told, progress)
        )
        for eta, more in runs:
            shares = fit.probabilities(eta, fit.temperature).T.tolist() if fit.classes else []
            columns = dict(zip(_columns(fit), [fit.predictions(eta).tolist(), *shares], strict=True))
            yield pl.DataFrame(columns | dict(zip(_added(fit), more.values(), strict=bool(more))))


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
    from taut.lesson import teach  # of the other commands none needs it

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
    words, _, one = eta_words(fit).partition(" of ")
    head = [f"{words} of" if name == "class" else name for name in table.columns]
    cells = [head, *([_cell(v) for v in row] for row in kept.iter_rows())]
    if len(fit.classes) == 2 and "class" in table.columns:
        for row in cells[1:]:
            row[table.columns.index("class")] = one
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
