"""Options: everything that a fit was asked for, as one frozen record that can be written down and
compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any

import numpy as np

from taut.design import Classes, Expansion, Overrides, PerColumn, ReadingOptions, Target, clean, per_column
from taut.design.reading_options import OPTION_NAMES
from taut.estimators.fitting import Plan
from taut.estimators.options import (
    as_gammas,
    as_penalties,
    as_power,
    as_strength,
    averages,
)
from taut.losses import LOSSES, Huber, Logistic, Loss, Multinomial, Poisson, SquaredError, as_loss
from taut.messages import written
from taut.path import PathSpec, strength_count
from taut.path.inputs import check_hidden
from taut.penalties import L1, L2, MCP, SCAD, ElasticNet, GroupLasso, NeuronLasso, Penalty, as_layers
from taut.selection.choice import as_fallback
from taut.selection.scoring import as_scorers
from taut.solvers.training import Training


@dataclass(frozen=True)
class Options:
    """The arguments of ``taut.fit``, with their defaults; the names and meanings are the same there."""

    target: str
    task: str | None = None
    penalty: str | Penalty = "l1"
    l1_ratio: float | tuple[float, ...] = 0.5
    lam: str | float = "cv"
    rule: str = "min"
    cv: Any = 10
    hidden: tuple[int, ...] = ()
    loss: str | Loss | None = None
    weights: str | None = None
    frequency_weights: bool = False
    penalize_biases: bool = False
    layer_penalties: Any = None
    bias_penalties: Any = None
    test_size: float = 0.2
    seed: int = 0
    standardize: bool = True
    skip: bool = True
    activation: str = "relu"
    final: str = "refit"
    fallback: str = "2se"
    lambdas: Any = None
    tol: float = 1e-6
    max_epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    restarts: int | None = None
    finish_iterations: int | None = None
    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    interactions: bool = False
    degree: int = 1
    splines: int = 0
    header: bool = True
    bootstrap: int = 0
    relax: str | float | None = None
    adaptive: float | None = None
    scoring: tuple[str, ...] = ()
    groups: str | None = None
    time: str | None = None
    repeats: int = 1
    offset: str | None = None
    delimiter: str | None = None
    decimal: PerColumn = ()
    thousands: PerColumn = ()
    quote: str | None = None
    encoding: str | None = None
    header_line: int | None = None
    skip_rows: int = 0
    comment: str | None = None
    na_values: tuple[str, ...] = ()
    keep_na: tuple[str, ...] = ()
    dates: PerColumn = ()
    log_target: bool = False

    @property
    def reading(self) -> ReadingOptions:
        """What is said of how the file is written."""
        return ReadingOptions(**{name: getattr(self, name) for name in OPTION_NAMES})

    @property
    def roles(self) -> dict[str, str]:
        """Columns that are no features, by what they are."""
        named = {
            "target": self.target, "weights": self.weights, "groups": self.groups, "offset": self.offset,
        }  # fmt: skip
        return {role: name for role, name in named.items() if name is not None}

    @property
    def ratios(self) -> tuple[float, ...]:
        """The l1_ratios that compete."""
        return self.l1_ratio if isinstance(self.l1_ratio, tuple) else (self.l1_ratio,)

    @property
    def overrides(self) -> Overrides:
        """What is said about single columns."""
        return Overrides(self.categorical, self.numeric, self.drop, self.keep)

    @property
    def spoken_of(self) -> tuple[str, ...]:
        """Every column about which an option says something."""
        return (*self.overrides.names, *self.reading.columns)

    @property
    def read_as_text(self) -> tuple[str, ...]:
        """Columns whose very cells matter: categories, and those about whose marks an option says something."""
        return (*self.categorical, *self.reading.marked)

    @property
    def expansion(self) -> Expansion:
        """Which derived features are asked for."""
        return Expansion(self.interactions, self.degree, self.splines)

    @property
    def strengths(self) -> Any:
        """How many strengths the path has, or the strengths."""
        return strength_count(self.lambdas, self.hidden)

    def document(self) -> dict[str, Any]:
        """The options as plain values; anything but numbers, texts and lists by its printed form."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    def key(self, digest: str, version: str) -> str:
        """A name for the fit of these options to the data of that digest by that version."""
        text = json.dumps([self.document(), digest, version], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def words(self, target: Target) -> str:
        """Architecture, loss and penalty in words."""
        sizes = "-".join(map(str, self.hidden))
        network = f"network {sizes} ({self.activation}{', skip connection' if self.skip else ''})"
        loss = _words_of_loss(choose_loss(self.loss, target))
        layers = self._words_of_layers("layers", self.layer_penalties)
        biases = self._words_of_layers("biases", self.bias_penalties)
        penalty = penalty_words(self.penalty, self.l1_ratio)
        offset = "" if self.offset is None else f", offset {clean(self.offset)}"
        return f"{network if self.hidden else 'linear'}, {loss}, {penalty}{layers}{biases}{offset}"

    def _words_of_layers(self, name: str, given: Any) -> str:
        if given is None:
            return ""
        told = ("none" if shape is None else penalty_words(shape, self.l1_ratio) for shape in _each(given))
        return f" ({name}: {', '.join(told)})"

    @property
    def penalizes_intercept(self) -> bool:
        """Whether the bias of the output is penalised."""
        if self.bias_penalties is None:
            return self.penalize_biases
        return _each(self.bias_penalties)[-1] is not None

    def plan(self, target: Target, names: tuple[str, ...], sources: tuple[str, ...]) -> Plan:
        """What to fit: every word of the options looked up, the penalty bound to the features' names."""
        check_choices(self)
        penalties = tuple(shape.bind(names, sources) for shape in as_penalties(self.penalty, self.l1_ratio))
        strength = as_strength(self.lam, self.rule)
        as_fallback(self.fallback)
        spec = PathSpec(
            loss=choose_loss(self.loss, target),
            penalty=penalties[0],
            hidden=check_hidden(self.hidden),
            skip=self.skip,
            activation=self.activation,
            penalize_biases=self.penalize_biases,
            layer_penalties=as_layers(self.layer_penalties, self.l1_ratio, self.hidden, names, sources),
            bias_penalties=as_layers(self.bias_penalties, self.l1_ratio, self.hidden),
            standardize=self.standardize,
            tol=self.tol,
            random_state=self.seed,
            training=Training().with_options(
                self.max_epochs, self.batch_size, self.learning_rate, self.restarts, self.finish_iterations
            ),
        )
        return Plan(
            spec, strength, self.strengths, averages(self.final), self.fallback, penalties,
            as_power(self.adaptive), as_gammas(self.relax), self.scoring or None,
        )  # fmt: skip


def _each(given: Any) -> Sequence[Any]:
    """What is given for layers as a sequence."""
    return [given] if isinstance(given, str | Penalty) else list(given)


def check_choices(options: Options) -> None:
    """ValueError where options do not go together, before anything is fitted."""
    if options.bootstrap < 0 or options.bootstrap == 1:
        raise ValueError(f"bootstrap = {options.bootstrap}: give at least 2 bootstrap fits, or 0 for none")
    for role in ("weights", "groups", "time", "offset"):
        name = getattr(options, role)
        if name is not None and not isinstance(name, str):
            raise ValueError(f"{role} must be the name of a column of the table, got {written(name)}")
    if not isinstance(options.seed, Integral):
        raise ValueError(f"seed must be a whole number, got {written(options.seed)}")
    as_scorers(options.scoring)
    options.reading.check()
    if options.repeats < 1:
        raise ValueError(f"repeats = {options.repeats}: folds are drawn at least once")
    for clash, words in _clashes(options):
        if clash:
            raise ValueError(words)


def _clashes(options: Options) -> Sequence[tuple[Any, str]]:
    """What does not go together, and whether it is asked for."""
    drawn = isinstance(options.cv, Integral)
    squared = options.loss is None or as_loss(options.loss) == SquaredError()
    return (
        (
            options.log_target and not squared,
            "log_target fits the squared error of the logarithm; leave out the loss",
        ),
        (
            options.log_target and options.task == "classification",
            "log_target is for numbers, and task='classification' asks for classes; leave out one of them",
        ),
        (
            options.frequency_weights and options.weights is None,
            "frequency_weights says what weights count: name the column of weights too",
        ),
        (
            options.groups and options.time,
            "groups and time: rows stay together or follow time; give one of them",
        ),
        (options.time and options.repeats > 1, "repeats: time runs one way, so its folds are not drawn anew"),
        (
            (options.time or options.repeats > 1) and not drawn,
            "time and repeats need a number of folds for cv",
        ),
        (
            options.repeats > 1 and options.lam != "cv" and options.final == "refit",
            "repeats: there are no folds to draw anew; they need lam='cv'",
        ),
        (
            options.bootstrap and options.relax is not None,
            "bootstrap fits are not relaxed; leave out one of them",
        ),
        (
            len(options.ratios) > 1 and isinstance(options.lam, Real),
            "a number for lam chooses nothing: give one l1_ratio, or lam='cv'",
        ),
    )


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else repr(value)


def options_from_document(document: dict[str, Any]) -> Options:
    """Return the options that were written down; raises KeyError or TypeError on anything else."""
    tuples: dict[str, Any] = {
        "hidden": tuple(int(size) for size in document["hidden"]),
        **{name: tuple(map(str, document[name])) for name in ("categorical", "numeric", "drop", "keep")},
        **{name: tuple(map(str, document.get(name, ()))) for name in ("scoring", "na_values", "keep_na")},
        **{name: per_column(document.get(name, ())) for name in ("decimal", "thousands", "dates")},
    }
    if isinstance(document["l1_ratio"], list):
        tuples["l1_ratio"] = tuple(map(float, document["l1_ratio"]))
    options = Options(**{**document, **tuples})
    plain = Options("")
    for field in fields(Options):
        value, usual = getattr(options, field.name), getattr(plain, field.name)
        wanted = _WRITTEN if field.name in _SEVERAL_KINDS else _KINDS.get(type(usual), _WRITTEN)
        if not isinstance(value, wanted):
            raise TypeError(f"option {field.name} is {type(value).__name__}")
    return options


_WRITTEN = (str, int, float, list, tuple, type(None))
_SEVERAL_KINDS = ("cv", "l1_ratio")
_KINDS: dict[type, tuple[type, ...]] = {bool: (bool,), int: (int,), float: (int, float), tuple: (tuple,)}
"""A flag or a number by default stays one; the rest is text, a number or a list."""


def choose_loss(loss: str | Loss | None, target: Target) -> Loss:
    """The loss asked for if it suits the target, else squared error, or cross-entropy for classes."""
    if not isinstance(target, Classes):
        chosen = as_loss(loss or "squared")
        if isinstance(chosen, Logistic | Multinomial):
            raise ValueError(
                f"loss {loss!r} is for classes, and {target.name!r} is a number; add task='classification'"
            )
        return chosen
    natural = LOSSES["logistic" if len(target.labels) == 2 else "multinomial"]
    if loss is not None and as_loss(loss) != natural:
        raise ValueError(f"loss {loss!r} does not suit {len(target.labels)} classes; leave it out")
    return natural


def _words_of_loss(loss: Loss) -> str:
    return LOSS_WORDS.get(type(loss), type(loss).__name__)


LOSS_WORDS: dict[type[Loss], str] = {
    SquaredError: "squared error",
    Huber: "Huber loss",
    Poisson: "Poisson loss",
    Logistic: "binary cross-entropy",
    Multinomial: "categorical cross-entropy",
}

PENALTY_WORDS: dict[type[Penalty], str] = {
    L1: "lasso",
    L2: "ridge",
    ElasticNet: "elastic net",
    GroupLasso: "group lasso",
    NeuronLasso: "group lasso on neurons",
    MCP: "MCP",
    SCAD: "SCAD",
}


def penalty_words(penalty: str | Penalty, l1_ratio: float | tuple[float, ...]) -> str:
    """The penalty in the field's words, with the number that shapes it, or those that compete."""
    shape = as_penalties(penalty, l1_ratio)[0]
    word = PENALTY_WORDS.get(type(shape), type(shape).__name__)
    if isinstance(shape, ElasticNet):
        numbers = np.atleast_1d(l1_ratio)
        mix = " or ".join(f"{number:g}" for number in numbers)
        ratio = f"l1_ratio {mix}" if isinstance(penalty, str) else f"λ1:λ2 {shape.lam1:g}:{shape.lam2:g}"
        return f"{word} ({ratio})"
    return f"{word} (γ {shape.gamma:g})" if isinstance(shape, MCP | SCAD) else word
