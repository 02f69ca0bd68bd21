"""The scikit-learn face: Regressor and Classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taut.doors import open_door

if TYPE_CHECKING:
    from taut.estimators.candidate import Candidate
    from taut.estimators.classifier import Classifier
    from taut.estimators.fitting import Fitted, Plan, fit_model
    from taut.estimators.intervals import NO_ERRORS, HeldOutErrors, check_coverage
    from taut.estimators.layers import Layers
    from taut.estimators.options import as_penalties, make_plan
    from taut.estimators.regressor import Regressor
    from taut.estimators.unmet import is_unmet, unmet_words, warn_unmet

open_door(
    __name__,
    {
        "classifier": "Classifier",
        "fitting": "Fitted Plan fit_model",
        "intervals": "HeldOutErrors NO_ERRORS check_coverage",
        "layers": "Layers",
        "options": "as_penalties make_plan",
        "regressor": "Regressor",
        "candidate": "Candidate",
        "unmet": "is_unmet unmet_words warn_unmet",
    },
)
