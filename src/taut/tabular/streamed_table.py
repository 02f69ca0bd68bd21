"""Streamed tables: whether a fit of a file reads all its rows or sums them up in passes, and what it starts from then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import taut.streaming as streaming
from taut.design import Quantity, Source, clean, digest_of, find_leaks
from taut.messages import written
from taut.tabular.conflicts import check_choices
from taut.tabular.hints import find_hints
from taut.tabular.inputs import PreparedData, prepare
from taut.tabular.options import Options, TableOptions, choose_loss

if TYPE_CHECKING:
    import polars as pl

    from taut.streaming import Moments

MOST_ROWS = 1_000_000
"""Rows of a Parquet file that are read at once unless told otherwise."""
LOOKED_AT = 1_000
"""Rows in which a target of numbers usually has more than two values."""


def prepare_table(
    table: Any, options: Options, progress: Callable[[int], None] | None = None
) -> PreparedData:
    """What a fit starts from: the rows of a table, or sums of those of a Parquet file, where ``options.streamed`` says so, or
    nothing that is asked needs more than a million rows of numbers.

    ``progress`` is called with bytes read. Raises ``DataError``, and ValueError for an option that sums cannot serve.
    """
    check_choices(options)
    if options.streamed is None:
        summed = _has_many_rows(table) and _sums_suffice(Path(table), options)
    elif isinstance(options.streamed, bool):
        summed = options.streamed
    else:
        raise ValueError(f"streamed must be True, False or None, got {written(options.streamed)}")
    return (
        _prepare_sums(_parquet_file(table), options, progress)
        if summed
        else prepare(table, options, progress)
    )


def _has_many_rows(table: Any) -> bool:
    """Whether a table is a Parquet file of more rows than are read at once."""
    if (
        not isinstance(table, str | Path)
        or not Path(table).is_file()
        or not streaming.is_parquet(Path(table))
    ):
        return False
    import polars as pl

    try:
        return _height(_scan(Path(table))) > MOST_ROWS
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return False  # whoever reads the rows says what is damaged


def _scan(path: Path) -> pl.LazyFrame:
    import polars as pl

    return pl.scan_parquet(path, glob=False)


def _height(scan: pl.LazyFrame) -> int:
    import polars as pl

    return int(scan.select(pl.len()).collect().item())


def _sums_suffice(path: Path, options: Options) -> bool:
    """Whether sums serve all that is asked, and the table is of numbers alone, so that they know all that its rows say."""
    from taut.tabular.fitting_moments import needing_rows

    schema = _scan(path).collect_schema()
    if not all(dtype.is_numeric() for dtype in schema.values()) or options.target not in schema:
        return False
    if needing_rows(options.keywords) is not None or options.task == "classification" or options.groups:
        return False
    if options.spoken_of or not isinstance(options.cv, int) or options.cv < 2:
        return False
    squared = choose_loss(options.loss, Quantity(options.target)).traits.constant_curvature
    return squared and (options.task == "regression" or _has_many_values(path, options.target))


def _has_many_values(path: Path, target: str) -> bool:
    """Whether a target has more than two values, and is thus no pair of classes."""
    column = _scan(path).select(target).drop_nulls()
    few = column.head(LOOKED_AT).unique().collect()
    return few.height > 2 or column.unique().collect().height > 2


def _parquet_file(table: Any) -> Path:
    """The file; ValueError for a table that is none of Parquet."""
    if isinstance(table, str | Path) and streaming.is_parquet(Path(table)):
        return Path(table)
    what = clean(table) if isinstance(table, str | Path) else type(table).__name__
    raise ValueError(
        f"streamed: fits stream the rows of a Parquet file, and {what} is none; take taut.moments of it, and fit those"
    )


def _prepare_sums(path: Path, options: Options, progress: Callable[[int], None] | None) -> PreparedData:
    """The weighted points of the file's sums; leaks and hints are looked for in the rows that medians were learnt from."""
    from taut.tabular.fitting_moments import needing_rows, prepare_moments

    refused = needing_rows(options.keywords)
    if refused is not None:
        raise ValueError(f"{refused}, and a streamed fit has sums; leave it out, or streamed (--in-memory)")
    assignment = streaming.Assignment(options.cv, options.test_size, options.seed, options.groups)
    assignment.check()
    asked = streaming.MomentsRequest(
        options.target, options.task, assignment, options.weights, options.overrides, options.expansion
    )
    found, sample = streaming.sum_up_with_sample(
        streaming.source_of(path), asked, None if progress is None else _bytes_read(path, progress)
    )
    prepared = prepare_moments(
        found, options.task, cast(TableOptions, options.changed(streamed=None).keywords)
    )
    setting = prepared.setting
    known = setting.preparation
    setting = replace(
        setting,
        source=Source(path.name, digest_of(path), notes=(*setting.source.notes, _said(found))),
        options=setting.options.changed(streamed=True),
        leaks=find_leaks(sample.X[:, : len(known.plain_sources)], sample.y, known.plain_sources, False),
        hints=find_hints(setting.target, sample.y, sample.X, sample.rows, known, options),
    )
    return replace(prepared, setting=setting)


def _said(found: Moments) -> str:
    return (
        f"{found.rows:,} rows were summed up in two passes: test scores have no standard errors;"
        " --in-memory (streamed=False) reads all rows"
    )


def _bytes_read(path: Path, progress: Callable[[int], None]) -> Callable[[int], None]:
    """Rows of two passes told as bytes of the file."""
    share = path.stat().st_size / max(1, 2 * _height(_scan(path)))
    return lambda rows: progress(int(rows * share))
