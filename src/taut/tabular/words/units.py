"""Units of coefficients in words: what η is, and of which class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taut.design import clean
from taut.families import family_of

if TYPE_CHECKING:
    from taut.tabular.record import FitRecord

BARE = frozenset({"y", "n", "t", "f", "yes", "no", "true", "false"})
"""Labels that say nothing without the name of their column."""


def class_words(fit: FitRecord, place: int = -1) -> str:
    """A class by its label, with the target's name before it where the label alone says nothing: good, Survived=1."""
    label = str(fit.classes[place])
    bare = label.lower() in BARE or not any(map(str.isalpha, label))
    return f"{clean(fit.setting.target.name)}={clean(label)}" if bare else clean(label)


def eta_words(fit: FitRecord) -> str:
    """The unit of η and of coefficients per standard deviation: sd of price, log odds of good, log rate of visits."""
    unit = family_of(fit.loss).unit.replace("{target}", clean(fit.setting.target.label))
    return unit.replace("{class}", class_words(fit)) if fit.classes else unit


def coefficient_words(fit: FitRecord) -> str:
    """What a coefficient per unit of its feature adds to: log odds of good; for a number the target itself."""
    return clean(fit.setting.target.label) if fit.loss.traits.in_units_of_y else eta_words(fit)
