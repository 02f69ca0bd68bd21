"""Network paths of a specification: every member trained along λ, by several threads where that pays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from threading import Event, Lock
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from taut.network import Network
from taut.path.chains import advance
from taut.path.inputs import check_lambdas
from taut.path.linear import LinearPath
from taut.path.linear_baseline import LinearBaseline, LinearSolutions
from taut.path.linear_fit import fit_linear
from taut.path.network import NetworkPath
from taut.path.network_checkpoints import StoredPoints
from taut.path.network_training import GridPosition, MemberTraining, Step
from taut.path.spec import PathSpec
from taut.path.warm import first_vector
from taut.solvers import (
    CheckpointStore,
    LinearProblem,
    Member,
    Progress,
    ScaledProblem,
    TrainedPoint,
    grid_for,
    grid_top,
    input_units,
    layer_penalties,
    on_neurons,
    scale_members,
    scale_problem,
    solver_for,
    spaced,
    stack_members,
    trainer_for,
)
from taut.types import Float, Real, Single

THREADED = 3_000_000
"""Rows times parameters from which the members of a path are trained by several threads."""


def fit_network_paths(
    spec: PathSpec,
    X: Any,
    y: Any,
    weights: Float,
    lambdas: int | Sequence[float] | Float = 100,
    offset: Any = None,
    progress: Progress | None = None,
    linear: Sequence[LinearPath] | None = None,
) -> list[NetworkPath]:
    """One network path per row of ``weights`` (M, n), all from the same first weights (``restarts`` of them, the lowest F
    at each λ is kept) and with the same mini-batches; ``linear``: the linear paths on the same grid, or on its stronger part,
    where they are known.

    A member's path does not depend on which others are fitted beside it. An interrupt (Ctrl-C) keeps the
    strengths that every member has finished, not compared with the linear model.
    """
    problem, weights = spec.first_problem(X, y, weights, offset)
    asked = check_lambdas(lambdas)
    whole = linear and (not isinstance(asked, int) or len(linear[0]) == asked)
    grid = linear[0].lambdas if linear and whole else _grid(problem, asked)
    scaled = scale_members(problem, weights)
    members = stack_members(problem, scaled, Network(spec.hidden, spec.activation, spec.skip))
    solutions = _linear_solutions(spec, X, y, weights, grid, offset, linear)
    seed, singles = _seed(spec.random_state), _singles(members)
    # The products of a mini-batch are far too small to share: BLAS threads cost several times what they save,
    # and one thread gives the same bits wherever it runs.
    with threadpool_limits(limits=1, user_api="blas") as limits:
        baselines = [LinearBaseline(solutions, m, one.layout, scaled[m]) for m, one in enumerate(members)]
        parts = list(zip(members, baselines, scaled, singles, strict=True))
        trainings = [
            _member_training(spec, *part, _start(seed, restart))
            for restart in range(spec.training.restarts)
            for part in parts
        ]
        threads = (limits.get_original_num_threads()["blas"] or 1) if _worth_threads(members[0]) else 1
        heard = _for_members(progress, len(members), len(trainings))
        every, interrupted = _train_all(trainings, grid, seed, heard, spec.store, threads)
    steps = [_best(every[m :: len(members)]) for m in range(len(members))]
    if not steps[0]:
        raise KeyboardInterrupt
    return [_path(spec, grid, found, scaled[m], members[m], interrupted) for m, found in enumerate(steps)]


def _start(seed: int, restart: int) -> list[int]:
    """What the first weights of a restart are drawn from."""
    return [seed] if restart == 0 else [seed, restart]


def _for_members(progress: Progress | None, members: int, trainings: int) -> Progress | None:
    """Counts (λ, member) pairs where every member has several trainings: the last of them completes a pair."""
    if progress is None or members == trainings:
        return progress
    calls = count()
    return lambda k: progress(k) if next(calls) % trainings >= trainings - members else None


def _best(restarts: list[list[Step]]) -> list[Step]:
    """At every λ the step of lowest F among the restarts."""
    return [min(steps, key=lambda step: step.point.total) for steps in zip(*restarts, strict=True)]


def _grid(problem: LinearProblem, lambdas: int | Sequence[float] | Float) -> Float:
    """The linear grid, to the last bit: at its top the linear engine's own λ_max, so that nothing is left there."""
    scaled = scale_problem(problem, problem.weight, powers=False)
    if not isinstance(lambdas, int) or grid_top(scaled) <= 0.0:
        return grid_for(scaled, lambdas)
    top = solver_for(problem).paths(problem, problem.weight[None], 1)[0].lambdas[0]
    return spaced(float(top), scaled, lambdas)


def _linear_solutions(
    spec: PathSpec,
    X: Any,
    y: Any,
    weights: Float,
    grid: Float,
    offset: Any,
    known: Sequence[LinearPath] | None,
) -> LinearSolutions:
    """The linear solutions that the network contains; without a skip, those on no input."""
    if not spec.skip:
        null, constant = replace(spec.linear, penalty=on_neurons(spec.penalty)), np.zeros((len(y), 1))
        own = grid if spec.penalize_biases else grid[:1]
        return LinearSolutions(lambda part: fit_linear(null, constant, y, weights, part, offset), own)
    found = LinearSolutions(lambda part: fit_linear(spec, X, y, weights, part, offset), grid)
    if known is not None and np.array_equal(known[0].lambdas, grid[: len(known[0])]):
        found.take(known)
    return found


def _singles(members: list[Member]) -> list[Single]:
    """X of every member in float32: one copy for all that share theirs."""
    copies = {id(member.X): member.X for member in members}
    single = {key: X.astype(np.float32) for key, X in copies.items()}
    return [single[id(member.X)] for member in members]


def _member_training(
    spec: PathSpec,
    member: Member,
    baseline: LinearBaseline,
    scaled: ScaledProblem,
    single: Single,
    seed: list[int],
) -> MemberTraining:
    warm = first_vector(spec.start, member.layout, scaled.units) if spec.start and len(seed) == 1 else None
    vector = _first_weights(member, spec.training.first_scale, seed) if warm is None else warm
    # No gradient would take the weights of a constant column away, and where it is not constant they would be read.
    member.layout.matrices(vector)[0][scaled.constant[: member.layout.n_inputs]] = 0.0
    shapes = spec.shapes.at_curvature(spec.loss.unit_curvature(member.layout.n_outputs))
    penalties = layer_penalties(member.layout, shapes, spec.penalize_biases, spec.fit_intercept)
    trainer = trainer_for(member, penalties, spec.training, vector, single)
    return MemberTraining(trainer, baseline, vector, scaled.null_loss, scaled.gradient_unit)


def _first_weights(member: Member, factor: float, seed: list[int]) -> Real:
    """The network's own scheme, the first layer made small by ``factor``, the skip zero."""
    layout = member.layout
    start = member.network.init(
        layout.n_inputs, layout.n_outputs, np.random.default_rng(seed if len(seed) > 1 else seed[0])
    )
    vector = layout.vector(start)
    vector[layout.matrix_slices[0]] *= factor
    return vector


def _seed(random_state: int | None) -> int:
    """``random_state``, or a fresh one from the operating system's entropy."""
    return random_state if random_state is not None else int(np.random.default_rng().integers(2**32))


def _train_all(
    trainings: list[MemberTraining],
    grid: Float,
    seed: int,
    progress: Progress | None,
    store: CheckpointStore | None,
    threads: int,
) -> tuple[list[list[Step]], bool]:
    """Each member's steps, strongest λ first; and whether the user interrupted."""
    positions = [
        GridPosition(i, float(lam), first=i == len(grid) - 1, seed=seed) for i, lam in enumerate(grid)
    ]
    call = store.call() if store is not None else ""
    lock, stop = Lock(), Event()
    for training in trainings:
        training.trainer.stop = stop
    logs = [StoredPoints(store, f"{call}-{m}", len(grid), lock) for m in range(len(trainings))]
    chains = [map(partial(log.reach, w), reversed(positions)) for w, log in zip(trainings, logs, strict=True)]
    points: list[list[TrainedPoint | None]] = [[] for _ in trainings]

    def arrived(m: int, point: TrainedPoint | None) -> None:
        points[m].insert(0, point)
        if progress is not None:
            progress(1)

    try:
        advance(chains, threads, stop, arrived)
        steps = [w.compare(positions, found) for w, found in zip(trainings, points, strict=True)]
        return _reported(trainings, steps, threads, stop), False
    except KeyboardInterrupt:
        steps = [w.as_reached(found) for w, found in zip(trainings, _whole(points), strict=True)]
        return _reported(trainings, steps, 1, stop), True


def _reported(
    trainings: list[MemberTraining], steps: list[list[Step]], threads: int, stop: Event
) -> list[list[Step]]:
    reported: list[list[Step]] = [[] for _ in trainings]
    parts = [map(training.reported, found) for training, found in zip(trainings, steps, strict=True)]
    advance(parts, threads, stop, lambda m, step: reported[m].append(step))
    return reported


def _whole(points: list[list[TrainedPoint | None]]) -> list[list[TrainedPoint]]:
    """The points of the strengths that every member has reached, strongest first."""
    rows = list(zip(*(found[::-1] for found in points), strict=False))[::-1]
    whole = [[point for point in row if point is not None] for row in rows]
    return [[row[m] for row in whole if len(row) == len(points)] for m in range(len(points))]


def _worth_threads(member: Member) -> bool:
    """Whether a pass over the rows is long beside what Python does around it, which threads wait for each other to do."""
    return member.n * member.layout.size >= THREADED


def _path(
    spec: PathSpec, grid: Float, steps: list[Step], scaled: ScaledProblem, member: Member, interrupted: bool
) -> NetworkPath:
    layout = member.layout
    center, scale = input_units(scaled.units, layout.n_inputs)
    return NetworkPath(
        lambdas=np.asarray(grid[len(grid) - len(steps) :], dtype=np.float64),
        losses=np.array([s.point.data for s in steps]),
        penalties=np.array([s.point.penalty for s in steps]),
        certificates=tuple(s.certificate for s in steps),
        null_loss=scaled.null_loss,
        saturated_loss=scaled.saturated_loss,
        loss=spec.loss,
        n_features=layout.n_inputs,
        interrupted=interrupted,
        network=member.network,
        params=tuple(layout.params(s.point.vector) for s in steps),
        linear=np.array([s.linear for s in steps]),
        units=replace(scaled.units, center=center, scale=scale),
        single_output=not spec.loss.multi_output(scaled.y),
        has_offset=scaled.offset is not None,
    )
