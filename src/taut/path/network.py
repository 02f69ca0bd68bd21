"""The path of a network: parameters, live neurons, kept inputs and predictions per λ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from taut.network import Network, Params
from taut.path.base import Float, Path
from taut.path.compaction import Compact, Live, compact, find_live
from taut.path.journal import Journal
from taut.path.linear import LinearPath
from taut.path.network_journal import StepLog
from taut.path.network_walk import Position, Step, Walker, gradient_scale
from taut.solvers.base import Certificate, Progress
from taut.solvers.compiled import Single
from taut.solvers.layer_penalties import layer_penalties, on_neurons
from taut.solvers.layout import Layout, Vector
from taut.solvers.member import Member
from taut.solvers.scaled import ScaledProblem, Units
from taut.solvers.stack import input_units, scale_members, stack_members
from taut.solvers.trainer import trainer_for

if TYPE_CHECKING:
    from taut.path.spec import PathSpec


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

    def decision_at(self, X: Any, index: int, offset: Float | None = None) -> Float:
        """offset + the network's output at grid position ``index``: (n,) or (n, k)."""
        output = self.network.forward(self.params_at(index), _checked(X, self.n_features))[0][0]
        eta = output[:, 0] if self.single_output else output
        if offset is None:
            return np.asarray(eta)
        shift = np.asarray(offset, dtype=np.float64)
        return np.asarray(eta + (shift if self.single_output else shift[:, None]))

    def decision(self, X: Any, lam: float, offset: Float | None = None) -> Float:
        """offset + the network's output at ``lam``, on the grid: networks are never interpolated."""
        return self.decision_at(X, self.index(lam), offset)


@dataclass(frozen=True, eq=False)
class LinearRival:
    """The linear solutions of one member as networks: hidden weights zero, the skip their coefficients."""

    path: LinearPath
    layout: Layout
    units: Units

    def vector(self, index: int) -> Vector:
        """Parameters (P,) of the network that equals the linear solution at grid position ``index``."""
        vector = np.zeros(self.layout.size)
        shift = self.path.intercepts[index] - self.units.y_center + self._center() @ self.path.coefs[index]
        vector[self.layout.bias_slices[-1]] = shift / self.units.y_scale
        if self.layout.has_skip:
            coefs = self.path.standardized_coefs[index].reshape(self.layout.n_inputs, self.layout.n_outputs)
            self.layout.matrices(vector)[0][:, self.layout.bias_sizes[0] :] = coefs
        return vector

    def certificate(self, index: int) -> Certificate:
        """The certificate of the linear solution."""
        return self.path.certificates[index]

    def _center(self) -> Float:
        p = self.path.coefs.shape[1]
        return input_units(self.units, p)[0] if self.layout.has_skip else np.zeros(p)


def fit_network_paths(
    spec: PathSpec,
    X: Any,
    y: Any,
    weights: Float,
    lambdas: int | Sequence[float] | Float = 100,
    offset: Any = None,
    progress: Progress | None = None,
) -> list[NetworkPath]:
    """One network path per row of ``weights`` (M, n), all from the same first weights and with the same
    mini-batches.

    A member's path does not depend on which others are fitted beside it. An interrupt (Ctrl-C) keeps the
    strengths that every member has finished.
    """
    network = Network(spec.hidden, spec.activation, spec.skip)
    linear = _linear_paths(spec, X, y, weights, lambdas, offset)
    grid = linear[0].lambdas
    problem = spec.linear_problem(X, y, weights[0], offset)
    scaled = scale_members(problem, weights)
    members = stack_members(problem, scaled, network)
    seed = _seed(spec.random_state)
    single = members[0].X.astype(np.float32)
    walkers = [_walker(spec, *parts, seed, single) for parts in zip(members, linear, scaled, strict=True)]
    # The products of a mini-batch are far too small to share: BLAS threads cost several times what they save,
    # and one thread gives the same bits wherever it runs.
    with threadpool_limits(limits=1, user_api="blas"):
        steps, interrupted = _walk(walkers, grid, seed, progress, spec.journal)
    if not steps:
        raise KeyboardInterrupt
    return [
        _path(spec, network, grid, [row[m] for row in steps], scaled[m], members[m].layout, interrupted)
        for m in range(len(walkers))
    ]


def unscaled(params: Params, units: Units) -> Params:
    """Parameters on the standardised scale turned into those of the same network in the units of the data.

    x̃ = (x − c)/s goes into the first layer and the skip, ỹ = (y − c_y)/s_y into the last: zeros stay zeros.
    """
    center, scale = input_units(units, params.weights[0].shape[1])
    first = params.weights[0] / scale[:, None]
    biases = [params.biases[0] - center @ first, *params.biases[1:]]
    weights = [first, *params.weights[1:]]
    weights[-1] = weights[-1] * units.y_scale
    biases[-1] = biases[-1] * units.y_scale + units.y_center
    if params.skip is None:
        return Params(tuple(weights), tuple(biases), None)
    skip = params.skip / scale[:, None] * units.y_scale
    biases[-1] = biases[-1] - center @ skip
    return Params(tuple(weights), tuple(biases), skip)


def _linear_paths(
    spec: PathSpec,
    X: Any,
    y: Any,
    weights: Float,
    lambdas: int | Sequence[float] | Float,
    offset: Any,
) -> list[LinearPath]:
    """The linear solutions that the network contains, on its grid; without a skip, those on no input."""
    if spec.skip:
        paths = spec.fit_linear(X, y, weights, lambdas, offset)
    else:
        problem = spec.linear_problem(X, y, weights[0], offset)
        null = replace(spec, penalty=on_neurons(spec.penalty))
        constant = np.zeros((len(problem.y), 1))
        paths = null.fit_linear(constant, y, weights, spec.grid(problem, lambdas), offset)
    if any(path.interrupted for path in paths):
        raise KeyboardInterrupt
    return paths


def _walker(
    spec: PathSpec, member: Member, linear: LinearPath, scaled: ScaledProblem, seed: int, single: Single
) -> Walker:
    vector = _first_weights(member, spec.training.first_scale, seed)
    penalties = layer_penalties(member.layout, spec.penalty, spec.penalize_biases, spec.fit_intercept)
    trainer = trainer_for(member, penalties, spec.training, vector, single)
    rival = LinearRival(linear, member.layout, scaled.units)
    return Walker(trainer, rival, vector, gradient_scale(scaled.null_gradient))


def _first_weights(member: Member, factor: float, seed: int) -> Vector:
    """The network's own scheme, the first layer made small by ``factor``, the skip zero."""
    layout = member.layout
    start = member.network.init(layout.n_inputs, layout.n_outputs, np.random.default_rng(seed))
    vector = layout.vector(start)
    vector[layout.matrix_slices[0]] *= factor
    return vector


def _seed(random_state: int | None) -> int:
    """``random_state``, or a fresh one from the operating system's entropy."""
    return random_state if random_state is not None else int(np.random.default_rng().integers(2**32))


def _walk(
    walkers: list[Walker], grid: Float, seed: int, progress: Progress | None, journal: Journal | None
) -> tuple[list[list[Step]], bool]:
    """Steps per λ, weakest λ first, each for all members; and whether the user interrupted."""
    done: list[list[Step]] = []
    call = journal.call() if journal is not None else ""
    log = (
        None if journal is None else [StepLog(journal, f"{call}-{m}", len(grid)) for m in range(len(walkers))]
    )
    try:
        for index in reversed(range(len(grid))):
            position = Position(index, float(grid[index]), first=not done, seed=seed)
            steps = []
            for m, walker in enumerate(walkers):
                steps.append(walker.step(position) if log is None else log[m].step(walker, position))
                if progress is not None:
                    progress(1)
            done.append(steps)
    except KeyboardInterrupt:
        return done, True
    return done, False


def _path(
    spec: PathSpec,
    network: Network,
    grid: Float,
    steps: list[Step],
    scaled: ScaledProblem,
    layout: Layout,
    interrupted: bool,
) -> NetworkPath:
    ordered = steps[::-1]
    center, scale = input_units(scaled.units, layout.n_inputs)
    return NetworkPath(
        lambdas=np.asarray(grid[len(grid) - len(ordered) :], dtype=np.float64),
        losses=np.array([s.point.data for s in ordered]),
        penalties=np.array([s.point.penalty for s in ordered]),
        certificates=tuple(s.certificate for s in ordered),
        null_loss=scaled.null_loss,
        saturated_loss=scaled.saturated_loss,
        loss=spec.loss,
        n_features=layout.n_inputs,
        interrupted=interrupted,
        network=network,
        params=tuple(layout.params(s.point.vector) for s in ordered),
        linear=np.array([s.linear for s in ordered]),
        units=replace(scaled.units, center=center, scale=scale),
        single_output=not spec.loss.multi_output(scaled.y),
    )


def _matrices(params: Params) -> tuple[Any, ...]:
    return params.weights if params.skip is None else (*params.weights, params.skip)


def _checked(X: Any, p: int) -> Float:
    values = np.asarray(X.toarray() if sp.issparse(X) else X, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != p:
        raise ValueError(
            f"X has shape {values.shape}, the path was fitted on {p} columns: give an (n, {p}) array"
        )
    return values
