"""From a plan and the rows to the chosen model: fit, judge, compare network and linear model, assemble."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from taut.estimators.candidate import Candidate
from taut.estimators.intervals import HeldOutErrors, gather_errors
from taut.estimators.layers import Layers, average, linear_layers, network_layers
from taut.estimators.strength import FitRows, Strength, best_of
from taut.path import LinearPath, Path, PathSpec
from taut.penalties import Penalty
from taut.selection import (
    Choice,
    CrossValidation,
    Data,
    Folds,
    OptionConflict,
    as_fallback,
    check_scorers,
    choose,
    find_temperature,
    held_out_decisions,
    held_out_losses,
    paired_gain,
)
from taut.solvers import Progress
from taut.types import Float

Find = Callable[[PathSpec], Candidate]

MEMBERS = 10
"""How many networks a mean is of, about: where there are fewer folds, each is trained from several first weights."""


@dataclass(frozen=True, eq=False)
class Plan:
    """What is asked for: what to fit, how its strength is found on which grid, and network or linear.

    ``averaged``: a network that is taken is the mean of the folds' networks, not the one of all rows. ``penalties``: shapes
    that compete with each other on the same folds, ``spec``'s own alone if empty; ``adaptive``, ``gammas`` and
    ``scoring``, ``start``, ``early_stop`` and ``open_ended`` as in ``FitRows``.
    """

    spec: PathSpec
    strength: Strength
    lambdas: Any
    averaged: bool
    fallback: str
    penalties: tuple[Penalty, ...] = ()
    adaptive: float = 0.0
    gammas: tuple[float, ...] = (1.0,)
    scoring: Any = None
    start: Layers | None = None
    early_stop: bool = True
    open_ended: bool = False

    @property
    def needs_folds(self) -> bool:
        """Whether rows must be held out."""
        return self.strength.needs_folds


@dataclass(frozen=True, eq=False)
class Fitted:
    """The model that was taken, the other that was not (None where there was none), why, and its layers.

    ``members``: of how many networks the layers are the mean; 1 is the model of all rows. ``temperature``: what η is divided
    by where it becomes probabilities; ``errors``: what the folds' models got wrong on held-out rows, None without such folds.
    """

    chosen: Candidate
    other: Candidate | None
    choice: Choice
    layers: Layers
    members: int = 1
    temperature: float = 1.0
    errors: HeldOutErrors | None = None


def fit_model(
    plan: Plan,
    data: Data,
    make_folds: Callable[[], Folds],
    progress: Progress | None = None,
    classes: Any = None,
) -> Fitted:
    """Fit what ``plan`` asks for; ``make_folds`` is called only where rows must be held out."""
    _check(plan, data, classes)
    folds = make_folds() if plan.needs_folds else None
    rows = FitRows(
        data, folds, plan.lambdas, plan.adaptive, plan.gammas, plan.scoring, classes, progress, plan.start,
        plan.early_stop, plan.open_ended,
    )  # fmt: skip

    def find(spec: PathSpec) -> Candidate:
        shapes = plan.penalties or (spec.penalty,)
        return best_of([plan.strength.find(replace(spec, penalty=shape), rows) for shape in shapes])

    choice, chosen, other = _decide(plan, data, folds, find)
    paths = _final(plan, chosen, rows)
    layers = [_layers(path, chosen.index, plan.spec) for path in paths]
    final = average(layers) if len(layers) > 1 else layers[0]
    errors = _errors(plan, chosen, data, folds)
    return Fitted(chosen, other, choice, final, len(layers), _temperature(chosen, data, folds), errors)


def _errors(plan: Plan, chosen: Candidate, data: Data, folds: Folds | None) -> HeldOutErrors | None:
    members = [_layers(path, chosen.index, plan.spec) for path in chosen.paths[1:]]
    return gather_errors(plan.spec.loss, members, data, folds)


def _temperature(chosen: Candidate, data: Data, folds: Folds | None) -> float:
    """That of a network of classes; 1 for linear models, whose probabilities are the link of their coefficients.

    An offset is added to η as it stands, and divided by nothing.
    """
    network = not isinstance(chosen.path, LinearPath) and chosen.spec.loss.traits.classes
    if not network or folds is None or chosen.scores is None or data.offset is not None:
        return 1.0
    held = held_out_decisions(CrossValidation(chosen.scores, chosen.paths), chosen.index, data, folds)
    return find_temperature(chosen.spec.loss, held, data, folds.blocks)


def _final(plan: Plan, chosen: Candidate, rows: FitRows) -> Sequence[Path]:
    """The paths whose mean at the chosen λ is the final model: that of all rows, or some ten networks of the folds.

    Folds that leave rows out of both parts, those in order of time among them, make networks that know less than the one of
    all rows: it is then taken.
    """
    folds = rows.folds
    network = not isinstance(chosen.path, LinearPath)
    if not plan.averaged or not network or folds is None or len(folds) < 2:
        return chosen.paths[:1]
    if not folds.judge_the_rest(rows.data.weight):
        return chosen.paths[:1]
    rounds = max(1, round(MEMBERS / len(folds)))
    return [*chosen.paths[1:], *(path for turn in range(1, rounds) for path in rows.again(chosen, turn))]


def _check(plan: Plan, data: Data, classes: Any) -> None:
    """ValueError for what can not come to anything, before anything is fitted."""
    if plan.scoring is not None and not plan.needs_folds:
        raise OptionConflict(
            "scoring judges held-out rows, and this choice of lam holds out none: it needs lam='cv'"
        )
    if plan.spec.hidden and as_fallback(plan.fallback).network_may_win:
        if plan.adaptive:
            raise OptionConflict(
                "adaptive factors come from the coefficients of a linear model: use hidden=()"
            )
        if plan.gammas != (1.0,):
            raise OptionConflict(
                "a network is not relaxed: its weights have no unpenalised solution; use hidden=()"
            )
    check_scorers(plan.scoring, plan.spec, data, classes)


def _decide(
    plan: Plan, data: Data, folds: Folds | None, find: Find
) -> tuple[Choice, Candidate, Candidate | None]:
    linear = plan.spec.linear
    if not plan.spec.hidden:
        return Choice("linear", "no hidden layers"), find(linear), None
    if not as_fallback(plan.fallback).network_may_win:
        return choose(plan.fallback, np.nan, np.nan), find(linear), None
    if folds is None:
        return Choice("network", "not compared: lam was given, so no row was held out"), find(plan.spec), None
    baseline = find(linear)  # first: the network's path is compared with the linear one
    network = find(plan.spec)
    if network.path.interrupted:
        # Half a path is not judged: to compare it with the whole linear one would decide against the network.
        raise KeyboardInterrupt
    choice = choose(plan.fallback, *_gain(baseline, network, data, folds))
    return (choice, network, baseline) if choice.model == "network" else (choice, baseline, network)


def _gain(linear: Candidate, network: Candidate, data: Data, folds: Folds) -> tuple[float, float]:
    """How much better the network is on the same held-out rows, each at its own strength."""
    losses = [_held_out(candidate, data, folds) for candidate in (linear, network)]
    return paired_gain(losses[0], losses[1], data.weight, data.counts, folds.blocks)


def _held_out(candidate: Candidate, data: Data, folds: Folds) -> Float:
    assert candidate.scores is not None  # there are folds
    fitted = CrossValidation(candidate.scores, candidate.paths)
    return held_out_losses(candidate.spec, fitted, candidate.index, data, folds)


def _layers(path: Path, index: int, spec: PathSpec) -> Layers:
    """The model at grid position ``index`` in the units of the data, outputs as columns."""
    if not isinstance(path, LinearPath):
        return network_layers(path, index)
    coef, intercept = path.coefs[index].copy(), np.atleast_1d(path.intercepts[index])
    return linear_layers(coef.reshape(coef.shape[0], -1), intercept, len(spec.hidden), spec.activation)
