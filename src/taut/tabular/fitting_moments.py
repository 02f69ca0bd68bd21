"""Fitting moments: the inputs of a fit from moments, and what sums cannot say."""

from __future__ import annotations

from typing import Any

import numpy as np

from taut.design import Source
from taut.messages import written
from taut.streaming import TEST, Moments, points_of
from taut.tabular.conflicts import check_choices
from taut.tabular.inputs import FitInputs, PreparedData, Sizes, SplitRows
from taut.tabular.options import Options, TableOptions, choose_loss

ROWS_ALONE = {
    "hidden": "a network is trained on rows",
    "model": "it tries a network, which is trained on rows",
    "budget": "it belongs to an automatic fit, which needs rows",
    "bootstrap": "resamples are drawn from rows",
    "scoring": "scorers judge rows",
    "offset": "an offset belongs to rows",
    "time": "an order of time belongs to rows",
    "text": "the words of a text are counted in rows",
    "log_target": "a logarithm is taken of rows",
    "frequency_weights": "repetitions belong to rows",
    "repeats": "folds are drawn once, when rows are summed up",
}
"""Options that sums know nothing of, and why."""


def prepare_moments(moments: Moments, task: str | None, given: TableOptions) -> PreparedData:
    """The weighted points that have the moments' sums, as training rows and test part; ValueError for what needs rows."""
    if given.get("streamed") is not None:
        raise ValueError("streamed: it says how a table is read, and moments are sums already; leave it out")
    moments.check()
    options = _options(moments, task, given)
    own, sums, assignment = moments.preparation, moments.sums, moments.preparation.assignment
    held_out, trained = int(sums.counts[TEST]), int(sums.counts[TEST + 1 :].sum())
    sizes = Sizes(trained + held_out + moments.dropped, own.columns, trained, held_out, moments.dropped)
    source = Source(
        ", ".join(moments.sources[:3]) + (" …" if len(moments.sources) > 3 else ""), notes=_notes(moments)
    )
    setting = FitInputs(
        source, sizes, own.preparation, own.target, own.reason, options.words(own.target), options
    )
    train = _rows(moments, range(TEST + 1, assignment.folds + 1))
    return PreparedData(setting, train, _rows(moments, range(TEST, TEST + 1)) if held_out else None)


def _rows(moments: Moments, parts: range) -> SplitRows:
    points = points_of(moments, parts)
    return SplitRows(points.X, points.y, points.weight, counts=points.counts, folds=points.parts)


def _notes(moments: Moments) -> tuple[str, ...]:
    said = f"fitted from sums of {moments.folds} folds and the test part; variances have {moments.digits:.0f} digits at least"
    return (said, *moments.told.remarks)


def _options(moments: Moments, task: str | None, given: TableOptions) -> Options:
    """The options with what is known of the moments; ValueError where they speak of rows."""
    own, assignment = moments.preparation, moments.preparation.assignment
    settled: dict[str, Any] = {
        **own.asked, "test_size": assignment.test_size, "seed": assignment.seed, "weights": own.weights,
        "groups": assignment.groups, "cv": assignment.folds, "repeats": 1,
    }  # fmt: skip
    asked: dict[str, Any] = dict(given)
    _check(asked, settled)
    options = Options.of(moments.target, task, **{**asked, **settled})
    check_choices(options)
    loss = choose_loss(options.loss, own.target)
    if not loss.traits.constant_curvature:
        raise ValueError(
            f"loss {options.loss!r}: these moments are those of the squared loss; leave out the loss, or use taut.fit on rows"
        )
    if task == "classification":
        raise ValueError("task='classification': sums of squares know no classes; use taut.fit on the table")
    return options


def needing_rows(asked: dict[str, Any]) -> str | None:
    """The first of the options that needs rows, and why; None where sums do."""
    plain = Options.of("").keywords
    for name, why in ROWS_ALONE.items():
        if _differs(asked.get(name, plain[name]), plain[name]):
            return f"{name}: {why}"
    return "lam='loo' leaves out single rows" if asked.get("lam") == "loo" else None


def _check(asked: dict[str, Any], settled: dict[str, Any]) -> None:
    """ValueError for an option that needs rows, or was settled otherwise when the moments were taken."""
    plain = Options.of("").keywords
    changed = {name for name, value in asked.items() if _differs(value, plain[name])}
    refused = needing_rows(asked)
    if refused is not None:
        raise ValueError(f"{refused}, and moments are sums; leave it out, or use taut.fit on the table")
    for name, value in settled.items():
        if name in changed and _differs(asked[name], value):
            raise ValueError(
                f"{name}={asked[name]!r}: {written(value)} was settled when the moments were taken; give it to taut.moments"
            )


def _differs(one: Any, other: Any) -> bool:
    """Whether two values of an option are not the same: one name is a list of one."""
    lists = [
        [] if value is None else np.atleast_1d(np.asarray(value, dtype=object)).tolist()
        for value in (one, other)
    ]
    return bool(lists[0] != lists[1])
