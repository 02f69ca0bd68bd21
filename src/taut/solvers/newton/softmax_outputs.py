"""The rows of a softmax loss, whose classes share one curvature."""

from __future__ import annotations

from typing import final

import numpy as np

from taut.losses import probabilities
from taut.solvers._kernels.softmax import softmax_conjugate, softmax_rows
from taut.solvers.newton.outputs import Iterate, Outputs
from taut.solvers.problem.curvature import variances
from taut.solvers.problem.scaled import ScaledProblem
from taut.solvers.problem.tolerances import FLOOR
from taut.types import Float, Index

_CHUNK = 2_000_000
"""Numbers in a block of rows while a Hessian is built."""


@final
class SoftmaxOutputs(Outputs):
    """log Σ_k e^{η_k} − η_y; ``curve`` is the classes' probabilities."""

    coupled = True

    def __init__(self, problem: ScaledProblem) -> None:
        super().__init__(problem)
        blank = np.empty((self.weight.size, self.classes))
        self._target = np.ascontiguousarray(np.asarray(probabilities(problem.y, blank)).T)
        self._counted = self.weight > 0.0
        self._inverse = np.divide(1.0, self.weight, out=np.zeros_like(self.weight), where=self._counted)

    def value(self, eta: Float, neg_gradient: Float) -> float:
        """L and the negative row gradients, by one compiled sweep over the rows."""
        return float(softmax_rows(eta, self._target, self.weight, neg_gradient))

    def centred(self, coef: Float, eta: Float, fine: float) -> None:
        """Classes have several intercepts, which Newton's steps find."""
        del coef, eta, fine

    def losses(self, iterate: Iterate) -> Float:
        """L (1,): coupled classes have one loss."""
        return np.array([iterate.loss])

    def conjugates(self, iterate: Iterate, shrink: Float) -> Float:
        """The conjugate (1,) of all classes together, by one compiled sweep over the rows."""
        neg_gradient, share = iterate.neg_gradient, float(shrink[0])
        value = float(softmax_conjugate(neg_gradient, self._target, self.weight, share))
        shift = share * float(np.vdot(neg_gradient, self.base)) if self.problem.offset is not None else 0.0
        return np.array([value + shift])

    def curve(self, iterate: Iterate) -> Float:
        """The classes' probabilities p (k, n), from the negative row gradients s(y − p)."""
        return self._probabilities(iterate.neg_gradient)

    def _probabilities(self, neg_gradient: Float) -> Float:
        """p (k, n); 0 in rows without weight."""
        p = self._target - neg_gradient * self._inverse
        return np.asarray(np.where(self._counted, np.maximum(p, 0.0), 0.0))

    def free_step(self, eta: Float, neg_gradient: Float, gradient: Float) -> Float:
        """Classes that move together change nothing, and do not."""
        k, p = self.classes, self._probabilities(neg_gradient)
        if self.n_free == 1 and self.problem.fit_intercept:
            # The unpenalised column is one throughout.
            H = -(p * self.weight) @ p.T
            np.fill_diagonal(H, variances(p) @ self.weight)
        else:
            free = np.arange(self.n_free * k)
            H = self.products(free, free, p)
        size = float(np.trace(H)) / H.shape[0] or 1.0
        together = np.kron(np.eye(self.n_free), np.full((k, k), size / k))
        return np.asarray(
            np.linalg.solve(H + together + 1e-13 * size * np.eye(H.shape[0]), gradient.ravel())
        ).reshape(-1, k)

    def products(self, left: Index, right: Index, curve: Float) -> Float:
        """Σ s x x' p_c(δ_cd − p_d): what nothing changes, classes that move together, stays zero beside small curvatures."""
        k, same, spread = self.classes, left is right, variances(curve)
        G = np.zeros((left.size, right.size))
        step = max(64, _CHUNK // max(left.size + right.size, 1))
        members = [(np.flatnonzero(left % k == c), np.flatnonzero(right % k == c)) for c in range(k)]
        blocks = [np.zeros((own.size, other.size)) for own, other in members]
        for start in range(0, self.weight.size, step):
            part = slice(start, start + step)
            design, s = self.design[:, part], self.weight[part]
            root = np.sqrt(s) * curve[:, part]
            A = design[left // k] * root[left % k]
            G -= A @ (A.T if same else (design[right // k] * root[right % k]).T)
            for block, bend, (own, other) in zip(blocks, s * spread[:, part], members, strict=True):
                if own.size and other.size:
                    D = design[left[own] // k]
                    block += (D * bend) @ (D if same else design[right[other] // k]).T
        for block, (own, other) in zip(blocks, members, strict=True):
            G[np.ix_(own, other)] = block
        return G

    def residual_square(self, neg_gradient: Float, curve: Float, classes: Index) -> float:
        """Σ g²/(s p) over rows and classes, g the negative row gradients."""
        curvature = self.weight * np.maximum(curve[classes], FLOOR)
        part = neg_gradient[classes]
        return float(np.sum(np.divide(part**2, curvature, out=np.zeros_like(part), where=curvature > 0.0)))
