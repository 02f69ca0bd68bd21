"""``fit_path``: one call from arrays to a whole path; ``fit_paths``: several at once from a specification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from taut.options import SpecOptions
from taut.path.base import Path
from taut.path.inputs import as_weight
from taut.path.linear import LinearPath
from taut.path.linear_fit import fit_linear
from taut.path.options import make_spec
from taut.path.spec import PathSpec
from taut.signature import describes, explains_arguments
from taut.solvers import Progress, as_matrix
from taut.types import Float

ORDER = (
    "cv groups loss penalty l1_ratio hidden skip fit_intercept penalize_biases lambdas tol sample_weight offset standardize"
    " random_state activation layer_penalties bias_penalties max_epochs batch_size learning_rate restarts"
    " finish_iterations"
)
"""The keywords of ``fit_path`` and ``cross_validate`` as their signatures list them; all others stand after these."""


@explains_arguments(SpecOptions, order=f"{ORDER} solver progress", penalty=None)
@describes(SpecOptions)
def fit_path(
    X: Any,
    y: Any,
    *,
    lambdas: int | Sequence[float] | Float = 100,
    sample_weight: Any = None,
    offset: Any = None,
    progress: Progress | None = None,
    **options: Unpack[SpecOptions],
) -> Path:
    """Fit a linear model or a network at every strength of a whole path.

    At each λ it minimises F = Σ_i s_i ℓ(η_i, y_i) + λ·Ω(weights), s the row weights divided by their sum, on the
    standardised scale (``standardize=True``: columns of X, and y for the squared and Huber losses, centred and divided by
    their weighted standard deviation). The intercept is not penalised unless ``penalize_biases``.

    Parameters
    ----------
    X : (n, p) array, or scipy sparse matrix for a linear model. Finite numbers.
    y : (n,) numbers; (n, q) for several outputs; integer codes or (n, k) probabilities for ``"multinomial"``.
    lambdas : how many strengths (log-spaced from λ_max), or the strengths; 0 is allowed and means no penalty.
    sample_weight : (n,) weights ≥ 0, relative to each other.
    offset : (n,) added to the linear predictor as it stands, without a coefficient; predictions then need one, too.
    progress : called with the number of strengths finished.
    <SpecOptions>

    Returns
    -------
    Path
        A ``LinearPath`` or a ``NetworkPath``: coefficients in the units of X as given, certificates, predictions.

    Raises
    ------
    ValueError
        Where an argument is not valid; the message names it and says what to do.
    TypeError
        Where a forced ``solver`` cannot solve the problem.

    Friedman, Hastie and Tibshirani, *J. Statistical Software* 33 (2010), §2 (paths by warm starts).
    """
    spec = make_spec(**options)
    matrix = as_matrix(X)
    weight = as_weight(sample_weight, matrix.shape[0])
    return fit_paths(spec, X if spec.hidden else matrix, y, weight[None], lambdas, offset, progress)[0]


def fit_paths(
    spec: PathSpec,
    X: Any,
    y: Any,
    weights: Float,
    lambdas: int | Sequence[float] | Float = 100,
    offset: Any = None,
    progress: Progress | None = None,
    linear: Sequence[LinearPath] | None = None,
) -> list[Path]:
    """One path per row of ``weights`` (M, n), all on one grid: the given one, or that of the first row's problem.

    ``linear``: the paths of ``fit_linear`` on the same grid where they are known, which spares a network to solve them again.
    """
    if not spec.hidden:
        return list(fit_linear(spec, X, y, weights, lambdas, offset, progress))
    from taut.path.network_fit import fit_network_paths  # the network engine is imported where it is used

    return list(fit_network_paths(spec, X, y, weights, lambdas, offset, progress, linear))
