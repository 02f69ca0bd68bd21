"""Options: everything that a fit was asked for, as one frozen record that can be written down and compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Unpack, cast

import numpy as np

import taut.estimators as estimators
import taut.path as paths
from taut.design import (
    OPTION_NAMES,
    Classes,
    Expansion,
    Overrides,
    PerColumn,
    ReadingOptions,
    Target,
    clean,
    per_column,
    spelt,
)
from taut.families import as_loss, family_of
from taut.losses import Loss
from taut.options import EstimatorOptions, ModelOptions, TrainingOptions, defaults_of
from taut.penalties import GroupLasso, Penalty

if TYPE_CHECKING:
    from taut.estimators import Plan


SEARCHED_SIZES = (64,)
"""Hidden layers of the network that an automatic fit tries unless told otherwise."""


class TableOptions(EstimatorOptions, total=False):
    """The keywords of ``taut.fit`` that say what is fitted, and to what; the names and meanings are the same there."""

    loss: str | Loss | None
    hidden: Sequence[int]
    weights: str | None
    test_size: float
    seed: int
    categorical: str | Sequence[str]
    numeric: str | Sequence[str]
    drop: str | Sequence[str]
    keep: str | Sequence[str]
    text: str | Sequence[str]
    interactions: bool
    degree: int
    splines: int
    header: bool
    bootstrap: int
    groups: str | None
    time: str | None
    repeats: int
    offset: str | None
    delimiter: str | None
    decimal: str | Mapping[str, str] | None
    thousands: str | Mapping[str, str] | None
    quote: str | None
    encoding: str | None
    header_line: int | None
    skip_rows: int
    comment: str | None
    na_values: str | Sequence[str]
    keep_na: str | Sequence[str]
    dates: str | Mapping[str, str] | None
    log_target: bool
    group_factors: bool
    model: str | None
    budget: float | None
    streamed: bool | None


@dataclass(frozen=True)
class Options:
    """What a fit was asked for: ``TableOptions`` with their defaults, those that all calls share as ``model`` and ``training``.

    Made by ``Options.of``. ``search`` is the keyword ``model``: None for the one model that the others say.
    """

    target: str
    task: str | None
    model: ModelOptions
    training: TrainingOptions
    lam: str | float = "cv"
    rule: str = "min"
    cv: Any = 10
    hidden: tuple[int, ...] = ()
    loss: str | Loss | None = None
    weights: str | None = None
    frequency_weights: bool = False
    test_size: float = 0.2
    seed: int = 0
    final: str = "average"
    fallback: str = "1se"
    lambdas: Any = None
    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
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
    early_stop: bool = True
    group_factors: bool = False
    search: str | None = None
    budget: float | None = None
    streamed: bool | None = None

    @property
    def reading(self) -> ReadingOptions:
        """What is said of how the file is written."""
        return ReadingOptions(**{name: getattr(self, name) for name in OPTION_NAMES})

    @staticmethod
    def of(target: str, task: str | None = None, **given: Unpack[TableOptions]) -> Options:
        """The options of these keywords; those not given have their defaults. TypeError for a name that none of them has."""
        own: dict[str, Any] = dict(given)
        own["search"] = own.pop("model", None)
        model, training = (
            {name: own.pop(name, default) for name, default in defaults_of(record).items()}
            for record in (ModelOptions, TrainingOptions)
        )
        ratio = model["l1_ratio"]
        model["l1_ratio"] = tuple(ratio) if isinstance(ratio, Sequence | np.ndarray) else ratio
        read: dict[str, Callable[[Any], Any]] = {
            "hidden": lambda sizes: tuple(np.atleast_1d(sizes).tolist()),
            "delimiter": lambda name: None if name is None else spelt(name),
            **dict.fromkeys(MARKS, per_column),
            **dict.fromkeys(SEVERAL, _several),
        }
        own |= {name: how(own[name]) for name, how in read.items() if name in own}
        return Options(target, task, cast(ModelOptions, model), cast(TrainingOptions, training), **own)

    def changed(self, **given: Unpack[TableOptions]) -> Options:
        """The same with other values of some keywords."""
        return Options.of(self.target, self.task, **{**self.keywords, **given})

    @property
    def keywords(self) -> dict[str, Any]:
        """Every keyword of ``taut.fit`` and its value."""
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        for grouped in ("target", "task", "model", "training"):
            del own[grouped]
        own["model"] = own.pop("search")
        return {**own, **self.model, **self.training}

    @property
    def roles(self) -> dict[str, str]:
        """Columns that are no features, by what they are."""
        named = {
            "target": self.target, "weights": self.weights, "groups": self.groups, "offset": self.offset,
        }  # fmt: skip
        return {role: name for role, name in named.items() if name is not None}

    @property
    def searched_sizes(self) -> tuple[int, ...]:
        """The hidden layers of the network that an automatic fit tries."""
        return self.hidden or SEARCHED_SIZES

    @property
    def shape(self) -> str | Penalty | None:
        """The penalty: the group lasso of the columns of the table where that is asked for."""
        return GroupLasso() if self.group_factors else self.model["penalty"]

    @property
    def ratios(self) -> tuple[float, ...]:
        """The l1_ratios that compete."""
        ratio = self.model["l1_ratio"]
        return ratio if isinstance(ratio, tuple) else (cast(float, ratio),)

    @property
    def overrides(self) -> Overrides:
        """What is said about single columns."""
        return Overrides(self.categorical, self.numeric, self.drop, self.keep, self.text)

    @property
    def spoken_of(self) -> tuple[str, ...]:
        """Every column about which an option says something."""
        return (*self.overrides.names, *self.reading.columns)

    @property
    def read_as_text(self) -> tuple[str, ...]:
        """Columns whose very cells matter: categories, texts, and those about whose marks an option says something."""
        return (*self.categorical, *self.text, *self.reading.marked)

    @property
    def expansion(self) -> Expansion:
        """Which derived features are asked for."""
        return Expansion(self.interactions, self.degree, self.splines)

    @property
    def strengths(self) -> Any:
        """How many strengths the path has, or the strengths."""
        return paths.strength_count(self.lambdas, self.hidden)

    @property
    def pairs(self) -> int:
        """How many (λ, fold) pairs will be fitted, networks and the linear models that they are compared with."""
        judged = self.lam == "cv"
        members = (self.cv * self.repeats + 1) * (2 if self.hidden else 1) if judged else 1
        strengths = self.strengths if isinstance(self.lam, str) else 1
        count = len(strengths) if isinstance(strengths, list) else int(strengths)
        return (members * len(self.ratios) + self.bootstrap) * count

    def document(self) -> dict[str, Any]:
        """The options as plain values; anything but numbers, texts and lists by its printed form."""
        said = {"target": self.target, "task": self.task, **self.keywords}
        return {name: _plain(value) for name, value in said.items()}

    def key(self, digest: str, version: str) -> str:
        """A name for the fit of these options to the data of that digest by that version."""
        text = json.dumps([self.document(), digest, version], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def words(self, target: Target) -> str:
        """Architecture, loss and penalty in words."""
        model = self.model
        sizes = "-".join(map(str, self.searched_sizes if self.search else self.hidden))
        network = f"network {sizes} ({model['activation']}{', skip connection' if model['skip'] else ''})"
        loss = family_of(choose_loss(self.loss, target)).label
        layers = self._words_of_layers("layers", model["layer_penalties"])
        biases = self._words_of_layers("biases", model["bias_penalties"])
        penalty = penalty_words(self.shape, model["l1_ratio"])
        penalty += ", features of one column together" if self.group_factors else ""
        offset = "" if self.offset is None else f", offset {clean(self.offset)}"
        if self.search:
            return (
                f"{loss}, the simplest as good as the best of lasso, elastic net, ridge and {network}{offset}"
            )
        return f"{network if self.hidden else 'linear'}, {loss}, {penalty}{layers}{biases}{offset}"

    def _words_of_layers(self, name: str, given: Any) -> str:
        if given is None:
            return ""
        named = (
            "none" if shape is None else penalty_words(shape, self.model["l1_ratio"])
            for shape in _each(given)
        )
        return f" ({name}: {', '.join(named)})"

    @property
    def penalizes_intercept(self) -> bool:
        """Whether the bias of the output is penalised."""
        biases = self.model["bias_penalties"]
        return self.model["penalize_biases"] if biases is None else _each(biases)[-1] is not None

    def plan(self, target: Target, names: tuple[str, ...], sources: tuple[str, ...]) -> Plan:
        """What to fit: every word of the options looked up, the penalty bound to the features' names."""
        shared = {
            name: value for name, value in self.keywords.items() if name in EstimatorOptions.__annotations__
        }
        loss, scoring = choose_loss(self.loss, target), self.scoring or None
        shared["penalty"] = self.shape
        own = {"loss": loss, "hidden": self.hidden, "random_state": self.seed, "scoring": scoring}
        return estimators.make_plan(names, sources, None, **{**shared, **own})


SEVERAL = ("categorical", "numeric", "drop", "keep", "text", "scoring", "na_values", "keep_na")
MARKS = ("decimal", "thousands", "dates")


def _several(names: str | Sequence[str] | None) -> tuple[str, ...]:
    """One name or several."""
    if names is None:
        return ()
    return (names,) if isinstance(names, str) or not isinstance(names, Iterable) else tuple(names)


def _each(given: Any) -> Sequence[Any]:
    """What is given for layers as a sequence."""
    return [given] if isinstance(given, str | Penalty) else list(given)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else repr(value)


def options_from_document(document: dict[str, Any]) -> Options:
    """Return the options that were written down; raises KeyError or TypeError on anything else."""
    tuples: dict[str, Any] = {
        "hidden": tuple(int(size) for size in document["hidden"]),
        **{name: tuple(map(str, document[name])) for name in ("categorical", "numeric", "drop", "keep")},
        **{
            name: tuple(map(str, document.get(name, ())))
            for name in ("text", "scoring", "na_values", "keep_na")
        },
        **{name: per_column(document.get(name, ())) for name in ("decimal", "thousands", "dates")},
    }
    if isinstance(document["l1_ratio"], list):
        tuples["l1_ratio"] = tuple(map(float, document["l1_ratio"]))
    options = Options.of(**{**document, **tuples})
    plain = Options.of("").keywords
    for name, value in options.keywords.items():
        wanted = _WRITTEN if name in _SEVERAL_KINDS else _KINDS.get(type(plain[name]), _WRITTEN)
        if not isinstance(value, wanted):
            raise TypeError(f"option {name} is {type(value).__name__}")
    if not isinstance(options.target, str) or not isinstance(options.task, str | None):
        raise TypeError("options target and task are texts")
    return options


_WRITTEN = (str, int, float, list, tuple, type(None))
_SEVERAL_KINDS = ("cv", "l1_ratio")
_KINDS: dict[type, tuple[type, ...]] = {bool: (bool,), int: (int,), float: (int, float), tuple: (tuple,)}
"""A flag or a number by default stays one; the rest is text, a number or a list."""


def choose_loss(loss: str | Loss | None, target: Target) -> Loss:
    """The loss asked for if it suits the target, else squared error, or cross-entropy for classes."""
    if not isinstance(target, Classes):
        chosen = as_loss(loss or "squared")
        if chosen.traits.classes:
            raise ValueError(
                f"loss {loss!r} is for classes, and {target.name!r} is a number; add task='classification'"
            )
        return chosen
    natural = as_loss("logistic" if len(target.labels) == 2 else "multinomial")
    if loss is not None and as_loss(loss) != natural:
        raise ValueError(f"loss {loss!r} does not suit {len(target.labels)} classes; leave it out")
    return natural


def penalty_words(penalty: str | Penalty | None, l1_ratio: float | Sequence[float]) -> str:
    """The penalty in the field's words, with the number that shapes it, or those that compete."""
    word, detail = estimators.as_penalties(penalty, l1_ratio)[0].words
    if penalty == "elasticnet":
        detail = f"l1_ratio {' or '.join(f'{number:g}' for number in np.atleast_1d(l1_ratio))}"
    return f"{word} ({detail})" if detail else word
