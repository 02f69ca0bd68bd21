"""scikit-learn's splitters and generators, which take long to load: rows that are split need them, a prediction does not."""

from __future__ import annotations

from typing import Any


def splitters() -> Any:
    """The module ``sklearn.model_selection``."""
    from sklearn import model_selection

    return model_selection


def generator(random_state: Any) -> Any:
    """The ``RandomState`` that scikit-learn makes of a seed, of None or of another generator."""
    from sklearn.utils import check_random_state

    return check_random_state(random_state)
