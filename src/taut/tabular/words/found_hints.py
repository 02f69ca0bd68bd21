"""Hints that follow from a fit: what is odd about its numbers, and the option that acts on it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from taut.tabular.words.metrics import metric_of
from taut.tabular.words.numbers import significant, with_error

if TYPE_CHECKING:
    from taut.tabular.record import FitRecord

ERRORS = 2.0
"""So many standard errors apart, test and folds do not say the same."""
ABSENT = "does not exist"


def found_hints(fit: FitRecord) -> tuple[str, ...]:
    """What the chosen place, the test and the models beside it call for."""
    return (*_ends(fit), *_promise(fit), *_absent(fit))


def _ends(fit: FitRecord) -> Iterator[str]:
    """The best score at an end of the path: the λ beyond might be better."""
    if fit.scores is None or fit.setting.options.lam != "cv" or len(fit.path) < 2:
        return
    best = fit.scores.deciding.index_min
    if best == len(fit.path) - 1:
        weakest = significant(float(fit.path.lambdas[-1]))
        yield (
            f"min is the last λ of the path, {weakest}: less penalty might be better still; lambdas=[…] in Python takes weaker"
            f" ones{'' if fit.setting.options.hidden else ', and --lam 0 is the fit without a penalty'}"
        )
    elif best == 0 and fit.path.nonzeros[0] == 0:
        yield "min is the first λ of the path, the model without features: none of them helps to predict held-out rows"


def _promise(fit: FitRecord) -> Iterator[str]:
    """A test score that the folds did not promise, each of the two with its error."""
    log = fit.setting.options.log_target
    if fit.scores is None or not fit.tested or log or fit.index >= len(fit.scores.mean):
        return
    metric, tested = metric_of(fit.loss), fit.tested[0]
    mean, error = fit.scores.mean[fit.index], np.nan_to_num(fit.scores.standard_error[fit.index])
    promised, spread = float(metric.show(mean)), float(metric.show_error(mean, error))
    apart = abs(tested.score - promised)
    if not apart > ERRORS * math.hypot(spread, tested.error):
        return
    side = "worse" if tested.score > promised else "better"
    yield (
        f"the test is {side} than the folds promised ({metric.name} {with_error(promised, spread)}): the test rows are unlike"
        " the others, by chance, because rows belong together (--groups COLUMN) or follow time (--time COLUMN); --seed draws"
        " another test part"
    )


def _absent(fit: FitRecord) -> Iterator[str]:
    """A score of a model that has no best coefficients."""
    found = next((j for j in fit.tested if ABSENT in j.note and np.isfinite(j.score)), None)
    if found is not None:
        yield (
            f"{found.model} {ABSENT}: without a penalty some coefficients grow without bound and never come to rest;"
            f" {significant(found.score, 4)} is the score of where the solver stopped, and no other program need stop there"
        )
