"""Dense networks, forward and backward by hand, for a stack of M members at once.

The whole of it, for layers k = 1..d+1 with weights W_k and biases b_k, an activation φ and X (n, p):

    a_0 = X,  z_k = a_{k−1} W_k + b_k,  a_k = φ(z_k) for k ≤ d,  η = z_{d+1} (+ XA with a skip connection)

and backward, with δ_{d+1} = ∂L/∂η (Rumelhart, Hinton and Williams 1986; Goodfellow et al. 2016, §6.5):

    ∂L/∂W_k = a_{k−1}ᵀ δ_k,  ∂L/∂b_k = Σ_i δ_ki,  ∂L/∂A = Xᵀ δ_{d+1},  δ_{k−1} = (δ_k W_kᵀ) ∘ φ'(z_{k−1})

With no hidden layer (d = 0) the network is the linear model. This NumPy route is the reference that the
compiled engines are compared with.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple, final

import numpy as np
import scipy
from numpy.typing import DTypeLike, NDArray

from taut.messages import written
from taut.types import Real


@dataclass(frozen=True)
class Activation(ABC):
    """An elementwise function φ. Both methods keep shape and dtype and are safe for large |z|."""

    name: ClassVar[str]

    @abstractmethod
    def value(self, z: Real) -> Real:
        """φ(z)."""

    @abstractmethod
    def derivative(self, z: Real, a: Real) -> Real:
        """φ'(z), given a = φ(z) as well, from which it is often cheaper."""


@final
@dataclass(frozen=True)
class Identity(Activation):
    """φ(z) = z: a network that stays linear."""

    name: ClassVar[str] = "identity"

    def value(self, z: Real) -> Real:
        """z, unchanged."""
        return z

    def derivative(self, z: Real, a: Real) -> Real:
        """1."""
        return np.ones_like(z)


@final
@dataclass(frozen=True)
class Relu(Activation):
    """φ(z) = max(z, 0)."""

    name: ClassVar[str] = "relu"

    def value(self, z: Real) -> Real:
        """max(z, 0)."""
        return np.maximum(z, 0)

    def derivative(self, z: Real, a: Real) -> Real:
        """1 where z > 0, else 0: at the kink the subgradient of least norm."""
        return (z > 0).astype(z.dtype)


@final
@dataclass(frozen=True)
class Tanh(Activation):
    """φ(z) = tanh z."""

    name: ClassVar[str] = "tanh"

    def value(self, z: Real) -> Real:
        """The hyperbolic tangent."""
        return np.tanh(z)

    def derivative(self, z: Real, a: Real) -> Real:
        """1 − a²."""
        return 1 - a * a


@final
@dataclass(frozen=True)
class Sigmoid(Activation):
    """φ(z) = 1 / (1 + e^−z)."""

    name: ClassVar[str] = "sigmoid"

    def value(self, z: Real) -> Real:
        """1 / (1 + e^−z)."""
        return np.asarray(scipy.special.expit(z))

    def derivative(self, z: Real, a: Real) -> Real:
        """a(1 − a)."""
        return a * (1 - a)


@final
@dataclass(frozen=True)
class Gelu(Activation):
    """φ(z) = zΦ(z), Φ the normal distribution function; exact, no tanh fit (Hendrycks, Gimpel 2016)."""

    name: ClassVar[str] = "gelu"

    def value(self, z: Real) -> Real:
        """z Φ(z) with Φ(z) = (1 + erf(z/√2)) / 2."""
        return np.asarray(z * scipy.special.ndtr(z))

    def derivative(self, z: Real, a: Real) -> Real:
        """Φ(z) + z e^(−z²/2) / √(2π)."""
        density = np.exp(-0.5 * z * z) * (1 / math.sqrt(2 * math.pi))
        return np.asarray(scipy.special.ndtr(z) + z * density)


ACTIVATIONS: dict[str, Activation] = {a.name: a for a in (Relu(), Tanh(), Sigmoid(), Gelu(), Identity())}
"""The activations by the names that users write."""


def he(rng: np.random.Generator, n_in: int, n_out: int) -> Real:
    """Weights (n_in, n_out) from N(0, 2/n_in): relu layers keep the variance (He et al. 2015, §2.2)."""
    return rng.normal(scale=math.sqrt(2 / max(n_in, 1)), size=(n_in, n_out))


def glorot(rng: np.random.Generator, n_in: int, n_out: int) -> Real:
    """Weights (n_in, n_out), uniform on ±√(6/(n_in + n_out)) (Glorot and Bengio 2010, equation 16)."""
    limit = math.sqrt(6 / max(n_in + n_out, 1))
    return rng.uniform(-limit, limit, size=(n_in, n_out))


SCHEMES: dict[str, Callable[[np.random.Generator, int, int], Real]] = {"he": he, "glorot": glorot}
"""How weights start, by the names that users write."""


@dataclass(frozen=True, eq=False)
class Params:
    """The parameters of a stack of M networks (or their gradients), members along the first axis.

    ``weights[k]`` is (M, in, out), ``biases[k]`` (M, out), ``skip`` (M, p, q) or None.
    """

    weights: tuple[Real, ...]
    biases: tuple[Real, ...]
    skip: Real | None = None

    @property
    def members(self) -> int:
        """M."""
        return int(self.weights[0].shape[0])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the weights."""
        return self.weights[0].dtype

    @property
    def arrays(self) -> tuple[Real, ...]:
        """All arrays in one order: weights, biases, and the skip connection where there is one."""
        return (*self.weights, *self.biases, *(() if self.skip is None else (self.skip,)))

    def map(self, f: Callable[..., Any], *others: Params) -> Params:
        """``f`` of every array (and of the same array of each of ``others``)."""
        stacks = [self.arrays, *(other.arrays for other in others)]
        return self.rebuild([f(*arrays) for arrays in zip(*stacks, strict=True)])

    def rebuild(self, arrays: Sequence[Real]) -> Params:
        """Parameters of this structure from ``arrays`` in the order of ``self.arrays``."""
        depth = len(self.weights)
        skip = None if self.skip is None else arrays[2 * depth]
        return Params(tuple(arrays[:depth]), tuple(arrays[depth : 2 * depth]), skip)

    def reading(self, center: Real, scale: Real) -> Params:
        """The same networks on x where these read (x − center)/scale: zeros stay zeros."""
        first = self.weights[0] / scale[:, None]
        biases = [self.biases[0] - center @ first, *self.biases[1:]]
        if self.skip is None:
            return Params((first, *self.weights[1:]), tuple(biases), None)
        skip = self.skip / scale[:, None]
        biases[-1] = biases[-1] - center @ skip
        return Params((first, *self.weights[1:]), tuple(biases), skip)

    def take(self, indices: Sequence[int] | NDArray[np.integer[Any]]) -> Params:
        """The members at ``indices``, copied, in that order."""
        where = np.asarray(indices, dtype=np.intp)
        return self.map(lambda array: array[where])

    def member(self, m: int) -> Params:
        """Member ``m`` as a stack of one."""
        return self.take([m])

    @staticmethod
    def stack(parts: Sequence[Params]) -> Params:
        """One stack of all the members of ``parts``, in order."""
        return parts[0].map(lambda *arrays: np.concatenate(arrays), *parts[1:])


class Tape(NamedTuple):
    """What a forward pass leaves for the backward pass.

    ``inputs[k]`` is a_k, the input of layer k + 1, with ``inputs[0]`` = X; ``preactivations[k]`` is z_{k+1}.
    Both are (M, n, width), X may be (n, p).
    """

    inputs: tuple[Real, ...]
    preactivations: tuple[Real, ...]


@final
@dataclass(frozen=True)
class Network:
    """The shape of a dense network: hidden widths, activation, skip connection and how weights start.

    ``hidden=()`` is the linear model η = XW + b, where ``skip`` adds nothing and is ignored. ``activation``
    is a name of ``ACTIVATIONS`` or an Activation, ``scheme`` one of ``SCHEMES``. Parameters live outside, in
    ``Params``.
    """

    hidden: tuple[int, ...] = ()
    activation: str | Activation = "relu"
    skip: bool = False
    scheme: str = "he"

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", check_widths(self.hidden))
        as_activation(self.activation)
        if self.scheme not in SCHEMES:
            raise ValueError(
                f"there is no scheme {self.scheme!r} to start weights: choose one of {', '.join(SCHEMES)}"
            )

    @property
    def has_skip(self) -> bool:
        """Whether there is a skip connection: asked for, and hidden layers to skip."""
        return self.skip and bool(self.hidden)

    @property
    def depth(self) -> int:
        """The number of layers with weights: hidden layers plus one."""
        return len(self.hidden) + 1

    def init(
        self,
        n_inputs: int,
        n_outputs: int,
        rng: np.random.Generator,
        members: int = 1,
        dtype: DTypeLike = np.float64,
    ) -> Params:
        """Random weights, zero biases, and a skip connection of zeros: (M, …) arrays of ``dtype``.

        Each member has its own stream, spawned from ``rng``: member m starts the same in a stack of any size.
        """
        parts = [self._init_one(n_inputs, n_outputs, stream) for stream in rng.spawn(members)]
        return Params.stack(parts).map(lambda array: array.astype(dtype))

    def forward(self, params: Params, X: Real) -> tuple[Real, Tape]:
        """η (M, n, q) for X (n, p) or (M, n, p), and the tape for ``backward``, in the dtype of params."""
        phi = as_activation(self.activation)
        a = check_inputs(params, X)
        inputs, preactivations = [a], []
        for weight, bias in zip(params.weights[:-1], params.biases[:-1], strict=True):
            z = a @ weight
            z += bias[:, None, :]
            a = phi.value(z)
            preactivations.append(z)
            inputs.append(a)
        eta = a @ params.weights[-1]
        eta += params.biases[-1][:, None, :]
        if params.skip is not None:
            eta += inputs[0] @ params.skip
        return eta, Tape(tuple(inputs), tuple(preactivations))

    def backward(self, params: Params, tape: Tape, deta: Real) -> Params:
        """∂L/∂params from ``deta`` = ∂L/∂η (M, n, q) and the tape of the forward pass of these params."""
        phi = as_activation(self.activation)
        weights, biases = [product(tape.inputs[-1], deta)], [deta.sum(axis=1)]
        delta = deta
        for k in reversed(range(len(params.weights) - 1)):
            slope = phi.derivative(tape.preactivations[k], tape.inputs[k + 1])
            delta = (delta @ params.weights[k + 1].swapaxes(1, 2)) * slope
            weights.append(product(tape.inputs[k], delta))
            biases.append(delta.sum(axis=1))
        skip = None if params.skip is None else product(tape.inputs[0], deta)
        return Params(tuple(reversed(weights)), tuple(reversed(biases)), skip)

    def _init_one(self, n_inputs: int, n_outputs: int, rng: np.random.Generator) -> Params:
        widths = (n_inputs, *self.hidden, n_outputs)
        start = SCHEMES[self.scheme]
        weights = tuple(start(rng, n_in, n_out)[None] for n_in, n_out in pairwise(widths))
        biases = tuple(np.zeros((1, n_out)) for n_out in widths[1:])
        return Params(weights, biases, np.zeros((1, n_inputs, n_outputs)) if self.has_skip else None)


def product(a: Real, delta: Real) -> Real:
    """aᵀδ per member: (n, in) or (M, n, in) with (M, n, out) → (M, in, out)."""
    return np.asarray(a.swapaxes(-1, -2) @ delta)


def as_activation(activation: str | Activation) -> Activation:
    """The activation of that name, or the activation itself; ValueError for an unknown name."""
    if isinstance(activation, Activation):
        return activation
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        raise ValueError(
            f"there is no activation {written(activation)}: choose one of {', '.join(ACTIVATIONS)}"
        )
    return ACTIVATIONS[activation]


def check_widths(hidden: object) -> tuple[int, ...]:
    """``hidden`` as a tuple of widths ≥ 0 (0: no neurons; the next layer sees only its bias)."""
    if not isinstance(hidden, Sequence) or isinstance(hidden, str):
        raise TypeError(
            f"hidden must list the widths of the hidden layers, such as (64, 32), and it is {hidden!r}"
        )
    for width in hidden:
        if not isinstance(width, int | np.integer) or isinstance(width, bool) or width < 0:
            raise ValueError(f"hidden widths must be whole numbers ≥ 0, and {width!r} in {hidden!r} is not")
    return tuple(int(width) for width in hidden)


def check_inputs(params: Params, X: Real) -> Real:
    """X in the dtype of params, with as many columns as the first layer has inputs."""
    X = np.asarray(X, dtype=params.dtype)
    n_inputs = params.weights[0].shape[1]
    if X.ndim not in (2, 3) or X.shape[-1] != n_inputs:
        raise ValueError(f"the network takes X of shape (n, {n_inputs}), and this one is {X.shape}")
    if X.ndim == 3 and X.shape[0] != params.members:
        raise ValueError(f"X has {X.shape[0]} members and the parameters {params.members}: they must agree")
    return X
