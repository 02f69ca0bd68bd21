"""The page of a fit: the content of its report, every number taken from the fit itself."""

from __future__ import annotations

import shlex
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import numpy as np

import taut.path as paths
import taut.selection as selection
from taut.families import Translation, family_of
from taut.model_file import write_atomically
from taut.report import (
    ReportContent,
    Section,
    framed,
    packed_bytes,
    packed_numbers,
    page,
    rounded,
    shown,
)
from taut.tabular.options import Options
from taut.tabular.words.equivalents import elsewhere
from taut.tabular.words.metrics import metric_of
from taut.tabular.words.narrative import narrative, title
from taut.tabular.words.report_tables import model_name, tables_of
from taut.tabular.words.summary import preparation_words, source_words
from taut.tabular.words.tables import cv_metric, cv_scores, marks_of
from taut.tabular.words.units import eta_words
from taut.types import Float

if TYPE_CHECKING:
    from taut.path import Drawing
    from taut.selection import TradeOff
    from taut.tabular.record import FitRecord

SHOWN_STABLE = 12
SHARE_STEPS = 65_535
"""A share in the page is a whole number of these parts."""


def write_report(fit: FitRecord, path: FilePath, gram: bool = True) -> FilePath:
    """Write the page of a fit; without ``gram`` the second moments of the features stay out of it."""
    write_atomically(path, page(content_of(fit, gram)).encode("utf-8", errors="replace"))
    return path


def fit_html(fit: FitRecord) -> str:
    """A fit in a notebook: the compact page in a frame of its own, and the summary as text."""
    return framed(content_of(fit), str(fit))


def content_of(fit: FitRecord, gram: bool = True) -> ReportContent:
    """Everything that the page of a fit says."""
    data = fit_data(fit, gram)
    first, second = title(fit)
    return ReportContent(
        first, second, narrative(fit), tables_of(fit), _sections(fit, "moments" in data), data
    )


def fit_data(fit: FitRecord, gram: bool = True) -> dict[str, Any]:
    """The numbers of the page; see ``report/assets/data.mjs``."""
    marks = marks_of(fit)
    named = {"1se": marks.one_se, "min": marks.min, "chosen": marks.chosen}
    linear = isinstance(fit.path, paths.LinearPath)
    labels = paths.Labels(
        fit.features,
        [str(label) for label in fit.classes] if len(fit.classes) > 2 else [],
        {name: place for name, place in named.items() if place is not None},
        fit.index,
        fit.spread.features / fit.spread.target if linear else None,
        _loss_scale(fit),
        _coefficient_unit(fit),
        _loss_label(fit),
    )
    data = paths.path_data(fit.path, labels, _drawing(fit))
    places = np.array(data["places"], dtype=np.intp)
    return {
        **data,
        "target": shown(fit.setting.target.label),
        "scores": _scores(fit),
        "uses": _uses(fit, places),
        "test": _test(fit),
        "groups": _groups(fit),
        "tradeoff": _tradeoff(fit),
        **(_moments(fit) if gram and len(places) == fit.path.n_features else {}),
    }


def _drawing(fit: FitRecord) -> Drawing | None:
    """A network's inputs by the norms that the summary and ``coefficients()`` have, whatever scale it was fitted on."""
    if not isinstance(fit.path, paths.NetworkPath):
        return None
    norms = paths.sent_norms(fit.path, fit.spread.features, fit.spread.target)
    return fit.path.drawn(fit.features)._replace(values=norms)


def _loss_scale(fit: FitRecord) -> float:
    """F lives on the standardised y where the loss is in its units."""
    scaled = fit.loss.traits.in_units_of_y and fit.setting.options.model["standardize"]
    return fit.spread.target**2 if scaled else 1.0


def _coefficient_unit(fit: FitRecord) -> str:
    return shown(eta_words(fit))


def _loss_label(fit: FitRecord) -> str:
    return _named(fit, family_of(fit.loss).mean_label)


def _named(fit: FitRecord, text: str) -> str:
    """A text of a family's record with the target's name in its place."""
    return text.replace("{target}", shown(fit.setting.target.label))


def _score_label(fit: FitRecord, of: str) -> str:
    name = metric_of(fit.loss).name
    return f"{name} (units of {shown(of)})" if family_of(fit.loss).root else name


def _scores(fit: FitRecord) -> dict[str, Any] | None:
    if fit.scores is None:
        return None
    shown_scores, errors = cv_scores(fit)
    loss, label = np.full(len(fit.path), np.nan), _score_label(fit, fit.setting.target.label)
    loss[: len(fit.scores.mean)] = _as_loss(fit, fit.scores.mean)
    return {
        "name": cv_metric(fit).name,
        "label": f"Cross-validated {shown(cv_metric(fit).name) if fit.scores.measures else label}",
        "mean": rounded(shown_scores),
        "error": rounded(errors),
        "folds": len(fit.scores.folds),
        "loss": rounded(loss),
    }


def _as_loss(fit: FitRecord, scores: Float) -> Float:
    """Scores as the data loss ℓ: a deviance is 2(ℓ − ℓ(saturated))."""
    return scores / 2.0 + fit.path.saturated_loss if family_of(fit.loss).deviance else scores


def _uses(fit: FitRecord, places: Any) -> dict[str, Any] | None:
    """How many of the fits kept each feature along λ: bootstrap fits where there are any, else those of the folds."""
    tradeoff, found = fit.evidence.tradeoff, fit.evidence.uses
    share, fits, name = (
        (found, fit.evidence.folds, "cross-validation")
        if tradeoff is None
        else (tradeoff.frequencies, tradeoff.fits, "bootstrap")
    )
    if share is None or share.min() == 1.0:  # a penalty that keeps everything chooses nothing
        return None
    of = min(fits, 250)
    counts = np.round(share[:, places].T * of).astype(np.uint8)
    words = "" if tradeoff is None else _stable(fit, tradeoff)
    return {
        "fits": f"{fits} {name} fits",
        "of": of,
        "counts": packed_bytes(counts.tobytes()),
        "stable": words,
    }


def _stable(fit: FitRecord, tradeoff: TradeOff) -> str:
    """What stability selection says of the bootstrap fits, one false selection allowed; nothing where it can not."""
    sizes = tradeoff.ever_used.sum(axis=1)
    if (
        sizes[0] ** 2 > 0.5 * tradeoff.ever_used.shape[1]
    ):  # at the strongest λ more than one may be false already
        return ""
    found = selection.stability(tradeoff)
    names = [shown(fit.features[j]) for j in np.flatnonzero(found.selected)]
    which = ", ".join(names[:SHOWN_STABLE]) + (
        f" and {len(names) - SHOWN_STABLE} more" if len(names) > SHOWN_STABLE else ""
    )
    return (
        f"Stability selection (kept by at least {100 * found.threshold:.0f} %, at most {found.bound:.1f} false ones expected):"
        f" {which or 'no feature'}."
    )


def _test(fit: FitRecord) -> dict[str, Any] | None:
    if not fit.tested:
        return None
    metric, along = metric_of(fit.loss), fit.evidence.test
    return {
        "rows": fit.setting.sizes.test,
        "name": metric.name,
        "label": _score_label(fit, fit.setting.target.name),
        "second": metric.second_name,
        "score": None if along is None else rounded(along[:, 0]),
        "other": None if along is None else rounded(along[:, 1]),
        "models": [
            [model_name(j.model, fit), *rounded([j.score, j.second]), shown(j.note)] for j in fit.tested
        ],
    }


def _groups(fit: FitRecord) -> dict[str, Any] | None:
    found = fit.evidence.groups
    if found is None:
        return None
    length, count, width = found.shape
    if not fit.classes:
        return {"kind": "residuals", "shape": [count, width], "values": packed_numbers(found, "<f4")}
    shares = found.reshape(length, count, width // 3, 3)
    return {
        "kind": "calibration",
        "of": shown(fit.classes[1]) if len(fit.classes) == 2 else "the class predicted",
        "shape": [count, 2 * shares.shape[2]],
        "rows": shares[0, :, 0, 2].tolist(),  # groups of equal size, at every λ and for every class
        "values": packed_numbers(np.round(shares[..., :2] * SHARE_STEPS), "<u2"),
    }


def _tradeoff(fit: FitRecord) -> dict[str, Any] | None:
    found = fit.evidence.tradeoff
    if found is None:
        return None
    square = f"{shown(fit.setting.target.label)}²" if not fit.classes else "of the probabilities"
    return {
        "label": f"Squared error ({square})",
        "fits": found.fits,
        "rows": found.rows,
        "error": rounded(found.error),
        "variance": rounded(found.corrected_variance),
        "bias": rounded(found.corrected_bias),
    }


def _moments(fit: FitRecord) -> dict[str, Any]:
    """What the page needs to solve the elastic net itself: the upper triangle of the moments, and the fit's own mix."""
    found, shape = fit.evidence.moments, fit.evidence.shape
    if found is None or shape is None or sum(shape) == 0:
        return {}
    factor = shape[0] + 2.0 * shape[1]
    triangle = found[np.triu_indices(len(found))]
    return {"moments": {"triangle": packed_numbers(triangle), "mix": shape[0] / factor, "factor": factor}}


def _sections(fit: FitRecord, teaches: bool) -> tuple[Section, ...]:
    setting = fit.setting
    table = [
        ("Read", tuple(map(shown_line, source_words(setting)))),
        ("Prepared", tuple(map(shown_line, preparation_words(setting)))),
    ]
    kept = (
        "This page holds sums, shares and quantiles of many rows, and names of columns; no row of the table is in it."
        + (
            " It holds the second moments of the standardised training features (their correlations): "
            "taut report --no-gram leaves them out, and with them the part in which the page solves the model itself."
            if teaches
            else ""
        )
    )
    return (
        Section("The table", (*table, ("In this file", (kept,)))),
        Section("The same model elsewhere", _elsewhere(fit), code=True),
        Section("Reproduce", _reproduce(fit), code=True),
    )


def shown_line(text: str) -> str:
    """A sentence with names in it, however long."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _elsewhere(fit: FitRecord) -> tuple[tuple[str, tuple[str, ...]], ...]:
    scale = "standardised X" if fit.setting.options.model["standardize"] else "X as prepared"
    logged = fit.setting.options.log_target
    shape = fit.evidence.shape
    found = [("scikit-learn", (f"{fit.same_as}  # on {scale}",))] if fit.same_as else []
    if fit.setting.options.offset is not None:
        return (("", ("calls of other tools are written for models without an offset",)),)
    if shape is not None and fit.is_linear:
        spread = fit.spread.target if fit.setting.options.model["standardize"] else 1.0
        case = Translation(fit.lam * shape[0], fit.lam * shape[1], fit.spread.weight, spread)
        found += [
            (name, (f"{call}  # on {scale}{', y its logarithm' if logged else ''}",))
            for name, call in elsewhere(fit.loss, case)
        ]
    return tuple(found) or (("", ("no other tool's parameters give this model",)),)


def _reproduce(fit: FitRecord) -> tuple[tuple[str, tuple[str, ...]], ...]:
    setting = fit.setting
    arguments = {
        k: v for k, v in setting.options.document().items() if v != DEFAULTS.get(k, v) or k == "target"
    }
    table = repr(setting.source.name) if setting.source.digest else "table"
    call = ", ".join([table, *(f"{k}={v!r}" for k, v in arguments.items())])
    command = (("Command", (shown_line(shlex.join(setting.command)),)),) if setting.command else ()
    data = (("Data", (f"sha256 {setting.source.digest}",)),) if setting.source.digest else ()
    return (
        *command,
        ("Python", (shown_line(f"taut.fit({call})"),)),
        *data,
        ("Version", (f"taut {fit.version}",)),
    )


DEFAULTS = Options.of("").document()
