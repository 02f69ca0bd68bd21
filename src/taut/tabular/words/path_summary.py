"""The path in words: how much of it is certified, and its table with the rows that the rules point at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from taut.estimators import is_unmet
from taut.solvers import Certificate, Measure
from taut.tabular.words.numbers import clock, decimals_for, grouped, with_error
from taut.tabular.words.tables import cv_metric, cv_scores, marks_of

if TYPE_CHECKING:
    from taut.tabular.record import FitRecord

SHOWN_ROWS = 8


def path_summary(fit: FitRecord) -> str:
    """How many strengths on how many folds, where the path ended and why, the time, and the certificates."""
    folds = f" × {fold_words(fit)}" if fit.scores is not None else ""
    found = certificates(fit.path.certificates)
    asked = _asked(fit)
    count = grouped(len(fit.path)) if asked is None else f"{grouped(len(fit.path))} of {grouped(asked)}"
    ended = "" if asked is None else ", ended where CV had stopped falling (--no-early-stop)"
    return f"{count} λ{folds}{ended}  {clock(fit.seconds)}  {found}"


def _asked(fit: FitRecord) -> int | None:
    """How many strengths were asked for, where the path was stopped early."""
    options, count, asked = fit.setting.options, len(fit.path), fit.setting.options.strengths
    stopped = options.early_stop and fit.scores is not None and count > 1 and not fit.path.interrupted
    return asked if stopped and isinstance(asked, int) and count < asked else None


def fold_words(fit: FitRecord) -> str:
    """How many folds there are, and what kept their rows together."""
    assert fit.scores is not None  # somebody asked
    options = fit.setting.options
    if options.lam == "loo":
        return f"{grouped(len(fit.scores.folds))} rows left out"
    kind = " in order of time" if options.time else " of whole groups" if options.groups else ""
    return f"{len(fit.scores.folds)} folds{kind}"


def certificates(found: Sequence[Certificate]) -> str:
    """How many λ are certified, the worst number, and what to do where the tolerance was missed."""
    networks = [c for c in found if c.measure is Measure.STATIONARITY]
    convex = [c for c in found if c.measure is not Measure.STATIONARITY]
    if not networks:
        return _certified(convex, "every λ")
    residual = max(c.value for c in networks)
    said = f"{len(networks)} networks without a certificate, stationarity residual up to {residual:.0e}"
    return f"{said}; {_certified(convex, f'{len(convex)} linear λ')}" if convex else said


def _certified(found: Sequence[Certificate], which: str) -> str:
    worst = max(found, key=lambda c: c.value)
    word = _word(worst)
    met = sum(c.met for c in found)
    if met == len(found):
        return f"{which} certified, worst {word} {worst.value:.0e}"
    return f"{met} of {len(found)} λ certified to {worst.tol:g}, worst {word} {worst.value:.0e} (--path names them)"


def path_rows(fit: FitRecord, every: bool = False) -> list[str]:
    """The path's table: some rows between its ends (all with ``every``), and those that the rules point at."""
    shown, errors = cv_scores(fit)
    metric, marks = cv_metric(fit), marks_of(fit)
    places = range(len(fit.path)) if every else _places(fit)
    decimals = max(0, decimals_for(float(fit.path.lambdas[-1]), 3))
    deviance, nonzeros = fit.path.deviance_explained, fit.path.nonzeros
    cells = [
        (
            marks.of(i).replace("chosen", "").strip(),
            f"{fit.path.lambdas[i]:.{decimals}f}",
            grouped(int(nonzeros[i])),
            f"{round(100.0 * float(deviance[i]), 1) + 0.0:.1f}",
            with_error(float(shown[i]), float(errors[i])) if fit.scores is not None else "",
            (f"   ← chosen ({_rule(fit)})" if i == fit.index else "") + _missed(fit.path.certificates[i]),
        )
        for i in places
    ]
    head = ("", "λ", "Df", "%Dev", f"CV {metric.name} ± SE" if fit.scores is not None else "", "")
    return _aligned([head, *cells])


def _missed(found: Certificate) -> str:
    """What follows the row of a strength that was not solved to its tolerance."""
    return f"   not certified: {_word(found)} {found.value:.0e}" if is_unmet(found) else ""


def _word(found: Certificate) -> str:
    return "gap" if found.measure is Measure.DUALITY_GAP else "residual"


def _rule(fit: FitRecord) -> str:
    options = fit.setting.options
    rule = f"--rule {options.rule}"
    return (
        rule if options.lam == "cv" else f"--lam {options.lam}{f', {rule}' if options.lam == 'loo' else ''}"
    )


def _places(fit: FitRecord) -> list[int]:
    last, marks = len(fit.path) - 1, marks_of(fit)
    spaced = np.unique(np.linspace(0, last, min(SHOWN_ROWS, last + 1)).round().astype(int)).tolist()
    return sorted({*spaced, marks.chosen, *(m for m in (marks.min, marks.one_se) if m is not None)})


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[j]) for row in rows) for j in range(5)]
    lines = []
    for mark, *numbers, tail in rows:
        columns = "  ".join(
            f"{text:>{width}}" for text, width in zip(numbers, widths[1:], strict=True) if width
        )
        lines.append(f"{'':6}{mark:<{max(3, widths[0])}}  {columns}{tail}".rstrip())
    return lines
