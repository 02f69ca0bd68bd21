"""Traits: what a loss is, for code that must not ask which one it is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class LossTraits(NamedTuple):
    """What engines, estimators and reports may rely on; the defaults are true of every loss of one smooth number.

    ``constant_curvature``: ℓ'' is the same everywhere, so that a fit without penalty is one least-squares problem.
    ``smooth``: ℓ'' has no jumps; where it has, Newton steps lean on ``curvature_bound``.
    ``canonical``: ∂ℓ/∂η = c·(mean − y) with c of ``unit_curvature``.
    ``in_units_of_y``: η is measured as y is, and ℓ in its square: a path standardises y, and ``in_units`` follows.
    ``cross_entropy``: ℓ = logsumexp(η) − ⟨y, η⟩ over classes, whose shares kernels are compiled for; of one η for two
    classes, whose other η is 0.
    ``couples_outputs``: the classes of one row share one softmax: a number added to all of its η changes nothing, and the
    Hessian in η is diag(p) − ppᵀ, p = ``inverse_link``.
    ``classes``: y are codes of classes, or their probabilities.
    ``several_outputs``: y may be (n, q).
    ``lowest``, ``highest``: the least and the largest y that are allowed.
    ``rest``: (low, high): η beyond which ℓ is flat to all digits that matter, where a fit without a minimum comes to rest.
    """

    constant_curvature: bool = False
    smooth: bool = True
    canonical: bool = False
    in_units_of_y: bool = False
    cross_entropy: bool = False
    couples_outputs: bool = False
    classes: bool = False
    several_outputs: bool = False
    lowest: float = -np.inf
    highest: float = np.inf
    rest: tuple[float, float] = (-np.inf, np.inf)
