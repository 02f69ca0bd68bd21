"""Intervals of a fit: predictions of a table with what held-out rows say of how far they may be off."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from taut.design import Quantity
from taut.estimators import NO_ERRORS, HeldOutErrors, check_coverage
from taut.messages import outside
from taut.tabular.live import live_parts

if TYPE_CHECKING:
    import polars as pl

    from taut.tabular.record import DesignRows, FitRecord


def held_out_errors(fit: FitRecord) -> HeldOutErrors:
    """What held-out rows say; ValueError where none do."""
    if fit.errors is not None:
        return fit.errors
    if fit.setting.options.time is not None:
        raise ValueError(
            "intervals do not hold in order of time: the errors of the past are not those of the future"
        )
    raise ValueError(f"{NO_ERRORS}: fit with lam='cv' and keep it whole, as compact() leaves them out")


def interval_runs(
    fit: FitRecord,
    table: Any,
    coverage: float,
    say: Callable[[str], None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[tuple[Any, dict[str, list[Any]]]]:
    """η and the columns ``lower`` and ``upper``, or ``set``, of runs of rows of a table, as ``Fit.decisions`` reads it."""
    errors = held_out_errors(fit)
    check_coverage(coverage)
    needed = np.any([live_parts(one)[0] for one in (fit.layers, *errors.members)], axis=0)
    for rows in fit.runs(table, say, progress, needed):
        eta = fit.decide(rows.X, None, rows.offset)
        yield (
            eta,
            _sets(fit, errors, rows, coverage, eta) if fit.classes else _ends(fit, errors, rows, coverage),
        )


def interval_table(fit: FitRecord, table: Any, coverage: float) -> pl.DataFrame:
    """``prediction``, ``lower`` and ``upper``, or ``prediction`` and ``set``, of the rows of a table."""
    import polars as pl

    remarks: list[str] = []
    parts = [
        pl.DataFrame({"prediction": fit.predictions(eta).tolist(), **columns})
        for eta, columns in interval_runs(fit, table, coverage, remarks.append)
    ]
    for remark in remarks:
        warnings.warn(remark, UserWarning, stacklevel=outside())
    return pl.concat(parts)


def _ends(fit: FitRecord, errors: HeldOutErrors, rows: DesignRows, coverage: float) -> dict[str, list[Any]]:
    ends, target = errors.interval(fit.loss, rows.X, coverage, rows.offset), fit.setting.target
    if isinstance(target, Quantity):
        ends = target.restored(ends)
    return {"lower": ends[:, 0].tolist(), "upper": ends[:, 1].tolist()}


def _sets(
    fit: FitRecord, errors: HeldOutErrors, rows: DesignRows, coverage: float, eta: Any
) -> dict[str, list[Any]]:
    """The classes of each row's set in their order, the predicted one always among them."""
    found = errors.sets(fit.loss, rows.X, coverage, rows.offset)
    found[np.arange(len(found)), fit.codes(eta)] = True
    return {"set": [[label for label, held in zip(fit.classes, row, strict=True) if held] for row in found]}
