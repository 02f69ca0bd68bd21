"""The path of a network: parameters, live neurons, kept inputs and predictions per λ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from taut.network import Network, Params
from taut.path.base import Float, Path
from taut.path.chains import advance
from taut.path.compaction import Compact, Live, compact, find_live
from taut.path.inputs import check_lambdas
from taut.path.journal import Journal
from taut.path.linear import LinearPath, checked_matrix
from taut.path.linear_rival import LinearRival, LinearSolutions
from taut.path.network_journal import PointLog
from taut.path.network_walk import Position, Step, Walker, gradient_scale
from taut.path.warm import first_vector
from taut.solvers.base import LinearProblem, Progress
from taut.solvers.choose import solver_for
from taut.solvers.networks.compiled import Single
from taut.solvers.networks.data_loss import Member
from taut.solvers.networks.flat_params import Vector
from taut.solvers.networks.layer_penalties import layer_penalties, on_neurons
from taut.solvers.networks.quasi_newton import Point
from taut.solvers.networks.stack import input_units, scale_members, stack_members
from taut.solvers.networks.trainer import trainer_for
from taut.solvers.problem.grid import grid_for, grid_top, spaced
from taut.solvers.problem.scaled import ScaledProblem
from taut.solvers.problem.scaling import scale_problem
from taut.solvers.problem.units import Units

if TYPE_CHECKING:
    from taut.path.spec import PathSpec

THREADED = 3_000_000
"""Rows times parameters from which the members of a path are walked by several threads."""


@dataclass(frozen=True, eq=False)
class NetworkPath(Path):
    """Networks along λ: ``params[i]`` (one member) on the standardised scale; ``linear[i]`` where the linear
    model won.

    At such a λ the hidden weights are zero, the skip holds the linear coefficients, and the certificate is
    the linear one; elsewhere it is the stationarity residual of the network, and nothing more is claimed.
    """

    network: Network
    params: tuple[Params, ...]
    linear: NDArray[np.bool_]
    units: Units
    single_output: bool

    @property
    def layer_nonzeros(self) -> NDArray[np.intp]:
        """Weights that are not zero per λ and matrix, (L, layers [+ 1 for the skip, last])."""
        return np.array([[np.count_nonzero(w) for w in _matrices(params)] for params in self.params])

    @property
    def nonzeros(self) -> NDArray[np.intp]:
        """Weights that are not zero per λ, biases not counted."""
        return np.asarray(self.layer_nonzeros.sum(axis=1))

    @property
    def live_neurons(self) -> NDArray[np.intp]:
        """Neurons that the predictions depend on, per λ and hidden layer."""
        return np.array([[mask.sum() for mask in self.live(i).neurons] for i in range(len(self))])

    @property
    def kept_inputs(self) -> NDArray[np.bool_]:
        """Whether the predictions depend on an input: (L, p)."""
        return np.array([self.live(i).inputs for i in range(len(self))])

    def live(self, index: int) -> Live:
        """The inputs and neurons that matter at grid position ``index``."""
        return find_live(self.network, self.params[index])

    def params_at(self, index: int) -> Params:
        """The parameters at grid position ``index`` of the same network on X and y in the units given."""
        return unscaled(self.params[index], self.units)

    def compact(self, index: int) -> Compact:
        """The network at ``index`` in the units of the data, without its dead inputs and neurons."""
        return compact(self.network, self.params_at(index))

    def decision_at(self, X: Any, index: int, offset: Any = None) -> Float:
        """offset + the network's output at grid position ``index``: (n,) or (n, k)."""
        output = self._output(_checked(X, self.n_features), index)
        return self.shifted(np.asarray(output[:, 0] if self.single_output else output), offset)

    def _output(self, X: Float, index: int) -> Float:
        """The network's output (n, k), computed on the standardised scale: columns far from 0 would cost digits."""
        rows = (X - self.units.center) / self.units.scale
        output = self.network.forward(self.params[index], rows)[0][0]
        return np.asarray(output * self.units.y_scale + self.units.y_center)

    def decision(self, X: Any, lam: float, offset: Any = None) -> Float:
        """offset + the network's output at ``lam``, on the grid: networks are never interpolated."""
        return self.decision_at(X, self.index(lam), offset)


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
    at each λ is kept) and with the same mini-batches; ``linear``: the linear paths on the same grid, where they are known.

    A member's path does not depend on which others are fitted beside it. An interrupt (Ctrl-C) keeps the
    strengths that every member has finished, not compared with the linear model.
    """
    problem, weights = spec.first_problem(X, y, weights, offset)
    grid = linear[0].lambdas if linear else _grid(problem, check_lambdas(lambdas))
    scaled = scale_members(problem, weights)
    members = stack_members(problem, scaled, Network(spec.hidden, spec.activation, spec.skip))
    solutions = _linear_solutions(spec, X, y, weights, grid, offset, linear)
    seed, singles = _seed(spec.random_state), _singles(members)
    # The products of a mini-batch are far too small to share: BLAS threads cost several times what they save,
    # and one thread gives the same bits wherever it runs.
    with threadpool_limits(limits=1, user_api="blas") as limits:
        rivals = [LinearRival(solutions, m, one.layout, scaled[m]) for m, one in enumerate(members)]
        parts = list(zip(members, rivals, scaled, singles, strict=True))
        walkers = [
            _walker(spec, *part, _start(seed, restart))
            for restart in range(spec.training.restarts)
            for part in parts
        ]
        threads = (limits.get_original_num_threads()["blas"] or 1) if _worth_threads(members[0]) else 1
        heard = _for_members(progress, len(members), len(walkers))
        every, interrupted = _walk(walkers, grid, seed, heard, spec.journal, threads)
    steps = [_best(every[m :: len(members)]) for m in range(len(members))]
    if not steps[0]:
        raise KeyboardInterrupt
    return [_path(spec, grid, found, scaled[m], members[m], interrupted) for m, found in enumerate(steps)]


def _start(seed: int, restart: int) -> list[int]:
    """What the first weights of a restart are drawn from."""
    return [seed] if restart == 0 else [seed, restart]


def _for_members(progress: Progress | None, members: int, walkers: int) -> Progress | None:
    """Counts (λ, member) pairs where every member has several walkers: the last of them completes a pair."""
    if progress is None or members == walkers:
        return progress
    calls = count()
    return lambda k: progress(k) if next(calls) % walkers >= walkers - members else None


def _best(restarts: list[list[Step]]) -> list[Step]:
    """At every λ the step of lowest F among the restarts."""
    return [min(steps, key=lambda step: step.point.total) for steps in zip(*restarts, strict=True)]


def unscaled(params: Params, units: Units) -> Params:
    """Parameters on the standardised scale turned into those of the same network in the units of the data.

    x̃ = (x − c)/s goes into the first layer and the skip, ỹ = (y − c_y)/s_y into the last: zeros stay zeros.
    """
    read = params.reading(*input_units(units, params.weights[0].shape[1]))
    weights = (*read.weights[:-1], read.weights[-1] * units.y_scale)
    biases = (*read.biases[:-1], read.biases[-1] * units.y_scale + units.y_center)
    return Params(weights, biases, None if read.skip is None else read.skip * units.y_scale)


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
        return LinearSolutions(lambda part: null.fit_linear(constant, y, weights, part, offset), own)
    if known is not None:
        return LinearSolutions.known(known)
    return LinearSolutions(lambda part: spec.fit_linear(X, y, weights, part, offset), grid)


def _singles(members: list[Member]) -> list[Single]:
    """X of every member in float32: one copy for all that share theirs."""
    copies = {id(member.X): member.X for member in members}
    single = {key: X.astype(np.float32) for key, X in copies.items()}
    return [single[id(member.X)] for member in members]


def _walker(
    spec: PathSpec, member: Member, rival: LinearRival, scaled: ScaledProblem, single: Single, seed: list[int]
) -> Walker:
    warm = first_vector(spec.start, member.layout, scaled.units) if spec.start and len(seed) == 1 else None
    vector = _first_weights(member, spec.training.first_scale, seed) if warm is None else warm
    # No gradient would take the weights of a constant column away, and where it is not constant they would be read.
    member.layout.matrices(vector)[0][scaled.constant[: member.layout.n_inputs]] = 0.0
    shapes = spec.shapes.at_curvature(spec.loss.unit_curvature(member.layout.n_outputs))
    penalties = layer_penalties(member.layout, shapes, spec.penalize_biases, spec.fit_intercept)
    trainer = trainer_for(member, penalties, spec.training, vector, single)
    return Walker(trainer, rival, vector, scaled.null_loss, gradient_scale(scaled.null_gradient))


def _first_weights(member: Member, factor: float, seed: list[int]) -> Vector:
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


def _walk(
    walkers: list[Walker],
    grid: Float,
    seed: int,
    progress: Progress | None,
    journal: Journal | None,
    threads: int,
) -> tuple[list[list[Step]], bool]:
    """Each member's steps, strongest λ first; and whether the user interrupted."""
    positions = [Position(i, float(lam), first=i == len(grid) - 1, seed=seed) for i, lam in enumerate(grid)]
    call = journal.call() if journal is not None else ""
    lock, stop = Lock(), Event()
    for walker in walkers:
        walker.trainer.stop = stop
    logs = [PointLog(journal, f"{call}-{m}", len(grid), lock) for m in range(len(walkers))]
    climbs = [map(partial(log.climb, w), reversed(positions)) for w, log in zip(walkers, logs, strict=True)]
    points: list[list[Point | None]] = [[] for _ in walkers]

    def arrived(m: int, point: Point | None) -> None:
        points[m].insert(0, point)
        if progress is not None:
            progress(1)

    try:
        advance(climbs, threads, stop, arrived)
        steps = [w.settle(positions, found) for w, found in zip(walkers, points, strict=True)]
        return _told(walkers, steps, threads, stop), False
    except KeyboardInterrupt:
        steps = [w.unsettled(found) for w, found in zip(walkers, _whole(points), strict=True)]
        return _told(walkers, steps, 1, stop), True


def _told(walkers: list[Walker], steps: list[list[Step]], threads: int, stop: Event) -> list[list[Step]]:
    told: list[list[Step]] = [[] for _ in walkers]
    parts = [map(walker.told, found) for walker, found in zip(walkers, steps, strict=True)]
    advance(parts, threads, stop, lambda m, step: told[m].append(step))
    return told


def _whole(points: list[list[Point | None]]) -> list[list[Point]]:
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


def _matrices(params: Params) -> tuple[Any, ...]:
    return params.weights if params.skip is None else (*params.weights, params.skip)


def _checked(X: Any, p: int) -> Float:
    checked_matrix(X, p)
    return np.asarray(X.toarray() if sp.issparse(X) else X, dtype=np.float64)
