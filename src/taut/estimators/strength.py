"""How the strength of a model is found: by cross-validation, by a criterion, or given as a number."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, final

from taut.estimators.candidate import Candidate
from taut.estimators.continued import go_on
from taut.estimators.layers import Layers
from taut.families import family_of
from taut.network import Params
from taut.path import LinearPath, Path, PathSpec, kept_path, relaxations
from taut.selection import (
    Data,
    Folds,
    OptionConflict,
    Scores,
    closed_ridge,
    fit_members,
    leave_one_out_scores,
    marked,
    measure_folds,
    path_criteria,
    relaxed,
    score_folds,
    with_measures,
)
from taut.solvers import ClosedPath, Progress


@dataclass(frozen=True, eq=False)
class FitRows:
    """What is fitted and how: the rows, their folds if any, the grid, and the variants of a linear path.

    ``adaptive``: power of the pilot's coefficients in the factors, 0 for none; ``gammas``: blends with the
    unpenalised refit that compete, (1,) for none; ``scoring``: scorers beside the loss, the first of them
    decides; ``classes``: the labels behind the codes in y; ``start``: the model of an earlier fit, from which one without
    folds goes on; ``early_stop``: whether linear paths with folds may end before the grid does, if the loss decides;
    ``open_ended``: whether a network's grid may go on; ``linear``: plain linear paths fitted so far, by the
    identity of their penalty, for the networks that are compared with them.
    """

    data: Data
    folds: Folds | None
    lambdas: Any
    adaptive: float = 0.0
    gammas: tuple[float, ...] = (1.0,)
    scoring: Any = None
    classes: Any = None
    progress: Progress | None = None
    start: Layers | None = None
    early_stop: bool = True
    open_ended: bool = False
    linear: dict[int, list[LinearPath]] = field(default_factory=dict)

    def fit(self, spec: PathSpec, lambdas: Any) -> list[Candidate]:
        """One candidate per blend, its strength not yet chosen; with folds, fitted and scored on those too."""
        if self.folds is None:
            return self._unjudged(spec, lambdas)
        known = self.linear.get(id(spec.penalty)) if spec.hidden and lambdas is self.lambdas else None
        fitted = score_folds(
            spec, self.data, self.folds, lambdas, self.progress, self.adaptive, known, self.classes,
            self.early_stop and self.scoring is None,
        )  # fmt: skip
        if not spec.hidden and not self.adaptive:
            self.linear[id(spec.penalty)] = [_linear(path) for path in fitted.paths]
        blends = relaxed(spec, fitted, self.data, self.folds, self.gammas)
        candidates = []
        for gamma, blend in zip(self.gammas, blends, strict=True):
            measures = measure_folds(spec, blend.paths[1:], self.data, self.folds, self.scoring, self.classes)
            scores = with_measures(blend.scores, measures)
            candidates.append(Candidate(spec, blend.paths, 0, scores, gamma=gamma))
        return candidates

    def again(self, chosen: Candidate, turn: int) -> list[Path]:
        """The folds' networks once more along the same grid, from other first weights."""
        assert self.folds is not None  # nothing is averaged without
        spec = chosen.spec
        known = self.linear.get(id(spec.penalty))
        if known is not None and len(known[0]) != len(chosen.path):
            known = None  # the grid went on
        paths = fit_members(
            replace(spec, random_state=(spec.random_state or 0) + turn), self.data,
            self.folds.weights(self.data.weight)[1:], chosen.path.lambdas, linear=None if known is None else known[1:],
        )  # fmt: skip
        if any(path.interrupted for path in paths):
            raise KeyboardInterrupt
        return paths

    def _unjudged(self, spec: PathSpec, lambdas: Any) -> list[Candidate]:
        if len(self.gammas) > 1:
            raise OptionConflict(
                'relax="cv" chooses the blend on held-out rows: use lam="cv", or give relax a number'
            )
        weight, gamma = self.data.weight[None], self.gammas[0]
        path = self._kept(spec, lambdas)
        if path is None:
            warm = replace(spec, start=self._params(spec))
            path = fit_members(warm, self.data, weight, lambdas, self.progress, self.adaptive)[0]
        if gamma != 1.0:
            path = relaxations(_linear(path), [gamma])[0]
        return [Candidate(spec, (path,), 0, gamma=gamma)]

    def _kept(self, spec: PathSpec, lambdas: Any) -> Path | None:
        """The earlier linear solution, where it holds for these rows and this one strength."""
        single = isinstance(lambdas, list) and len(lambdas) == 1
        if self.start is None or spec.hidden or self.adaptive or not single or len(self.start.coefs) > 1:
            return None
        data, coef = self.data, self.start.coefs[0]
        problem = spec.linear_problem(data.X, data.y, data.weight, data.offset)
        several = spec.loss.multi_output(problem.y)
        return kept_path(problem, data.weight, lambdas[0], coef if several else coef[:, 0])

    def _params(self, spec: PathSpec) -> Params | None:
        """The earlier network's parameters, one member."""
        if self.start is None or not spec.hidden:
            return None
        first, skip = self.start, self.start.skip
        one = [tuple(values[None] for values in kind) for kind in (first.coefs, first.intercepts)]
        return Params(one[0], one[1], None if skip is None else skip[None])


class Strength(ABC):
    """A way to find λ; frozen, with one method."""

    needs_folds: bool

    @abstractmethod
    def find(self, spec: PathSpec, rows: FitRows) -> Candidate:
        """Fit ``spec`` and choose its strength; where ``rows`` has folds, fit and score those too."""


@final
@dataclass(frozen=True)
class CrossValidated(Strength):
    """The strength that ``rule`` picks from the out-of-fold losses, or from the first scorer that was asked for."""

    rule: str
    needs_folds = True

    def find(self, spec: PathSpec, rows: FitRows) -> Candidate:
        """Cross-validate the whole grid, once for each blend; the best blend is the one of smallest mean."""
        judged = []
        for candidate in rows.fit(spec, rows.lambdas):
            if rows.open_ended and spec.hidden:
                candidate = go_on(candidate, lambda further: rows.fit(spec, further)[0])
            assert candidate.scores is not None  # needs_folds
            deciding = candidate.scores.deciding
            merit = float(deciding.mean[deciding.index_min])
            judged.append(_judged(candidate, candidate.scores, self.rule, merit))
        return best_of(judged)


@final
@dataclass(frozen=True)
class Fixed(Strength):
    """The strength ``lam``, as given: one fit."""

    lam: float
    needs_folds = False

    def find(self, spec: PathSpec, rows: FitRows) -> Candidate:
        """Fit at ``lam`` alone; the grid has no part in it."""
        return rows.fit(spec, [self.lam])[0]


@final
@dataclass(frozen=True)
class InformationCriterion(Strength):
    """The strength at which the criterion ``name`` is smallest."""

    name: str
    needs_folds = False

    def find(self, spec: PathSpec, rows: FitRows) -> Candidate:
        """Fit the grid on all rows; ValueError for a network, whose degrees of freedom are not known."""
        if spec.hidden:
            raise OptionConflict(
                f"lam={self.name!r} needs degrees of freedom, which a network has not; use lam='cv'"
            )
        _check_plain(self.name, rows)
        candidate = rows.fit(spec, rows.lambdas)[0]
        criteria = path_criteria(spec, _linear(candidate.path), rows.data)
        index = criteria.index(self.name)
        return replace(candidate, index=index, criteria=criteria, merit=criteria.value(self.name)[index])


@final
@dataclass(frozen=True)
class LeaveOneOut(Strength):
    """The strength that ``rule`` picks from a ridge's exact leave-one-out losses."""

    rule: str
    needs_folds = False

    def find(self, spec: PathSpec, rows: FitRows) -> Candidate:
        """Fit the grid on all rows; the losses of rows left out come in closed form."""
        _check_plain("loo", rows)
        closed = closed_ridge(spec, rows.data)
        candidate = rows.fit(replace(spec, solver=ClosedPath(closed)), rows.lambdas)[0]
        scores = leave_one_out_scores(spec, rows.data, candidate.path.lambdas, closed)
        merit = float(scores.mean[scores.index_min])
        scores = replace(scores, measure=family_of(spec.loss).judged_by, nonzeros=candidate.path.nonzeros)
        return _judged(replace(candidate, spec=spec), scores, self.rule, merit)


def _judged(candidate: Candidate, scores: Scores, rule: str, merit: float) -> Candidate:
    """The candidate at the place that ``rule`` picks from its scores; its path knows the names of both rules' strengths."""
    paths = (marked(candidate.path, scores), *candidate.paths[1:])
    return replace(candidate, paths=paths, index=scores.deciding.index(rule), scores=scores, merit=merit)


def best_of(candidates: Sequence[Candidate]) -> Candidate:
    """The candidate of smallest merit, the first of equals."""
    return min(candidates, key=lambda candidate: candidate.merit)


def _check_plain(name: str, rows: FitRows) -> None:
    if rows.adaptive or rows.gammas != (1.0,) or rows.scoring is not None:
        raise OptionConflict(
            f"lam={name!r} is a formula of the plain penalised fit: adaptive, relax and scoring need lam='cv'"
        )


def _linear(path: Path) -> LinearPath:
    if not isinstance(path, LinearPath):
        raise OptionConflict(
            "a network is not relaxed: its weights have no unpenalised solution; use hidden=()"
        )
    return path
