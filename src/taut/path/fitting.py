"""``fit_path``: one call from arrays to a whole path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from taut.losses import Loss
from taut.messages import explains_arguments
from taut.path.base import Float, Path
from taut.path.inputs import as_weight
from taut.path.options import LayerPenalties, make_spec
from taut.penalties import Penalty
from taut.solvers.base import Progress
from taut.solvers.matrix import as_matrix


@explains_arguments()
def fit_path(
    X: Any,
    y: Any,
    *,
    loss: str | Loss = "squared",
    penalty: str | Penalty | None = None,
    l1_ratio: float = 0.5,
    hidden: Sequence[int] = (),
    skip: bool = True,
    fit_intercept: bool = True,
    penalize_biases: bool = False,
    lambdas: int | Sequence[float] | Float = 100,
    tol: float = 1e-6,
    sample_weight: Any = None,
    offset: Any = None,
    standardize: bool = True,
    random_state: int | None = None,
    activation: str = "relu",
    layer_penalties: LayerPenalties = None,
    bias_penalties: LayerPenalties = None,
    max_epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    restarts: int | None = None,
    finish_iterations: int | None = None,
    solver: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Fit a linear model or a network at every strength of a whole path.

    At each λ it minimises F = Σ_i s_i ℓ(η_i, y_i) + λ·Ω(weights), s the row weights divided by their sum, on the
    standardised scale (``standardize=True``: columns of X, and y for the squared and Huber losses, centred and divided by
    their weighted standard deviation). The intercept is not penalised unless ``penalize_biases``.

    Parameters
    ----------
    X : (n, p) array, or scipy sparse matrix for a linear model. Finite numbers.
    y : (n,) numbers; (n, q) for several outputs; integer codes or (n, k) probabilities for ``"multinomial"``.
    loss : ``"squared"``, ``"logistic"``, ``"multinomial"``, ``"poisson"``, ``"huber"`` or a ``Loss``.
    penalty : the shape that λ multiplies: ``"l1"`` Σ|w| (the default), ``"l2"`` Σw², ``"elasticnet"``
        ρΣ|w| + (1 − ρ)/2·Σw² with ρ = ``l1_ratio``, or a ``Penalty``.
    hidden : sizes of the hidden layers; ``()`` is a linear model. ``skip`` adds a linear connection past them.
    lambdas : how many strengths (log-spaced from λ_max), or the strengths; 0 is allowed and means no penalty.
    tol : relative duality gap that every λ of a convex problem is solved to.
    solver : None chooses the engine of a linear model by loss, penalty, n and p; ``"moments"``, ``"working-set"``,
        ``"rotated-ridge"``, ``"coordinate-descent"``, ``"newton"``, ``"softmax"``, ``"small-newton"``,
        ``"group-descent"``, ``"group-newton"``, ``"majorization"`` and ``"proximal-gradient"`` force one.
    layer_penalties, bias_penalties : of a network, λ multiplies them all: one penalty or name for every layer, or a list
        with one per layer, the output's last, where None is not penalised. ``layer_penalties=None``: ``penalty`` on all
        weights; else ``penalty`` is that of the skip connection. ``bias_penalties=None``: ``penalize_biases`` decides; the
        output's is None or ``penalty``, so that the network contains the linear model.
    max_epochs, batch_size, learning_rate, restarts : training of networks; None leaves them to taut. ``restarts`` walks
        start from different first weights, and the one of lowest F is kept at each λ.
    finish_iterations : full-batch steps at the end of each λ of a network; many leave a small stationarity residual,
        few predict better where λ is weak, and None is few.
    sample_weight : (n,) weights ≥ 0.
    offset : (n,) added to the linear predictor as it stands, without a coefficient; predictions then need one, too.

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
    spec = make_spec(
        loss=loss, penalty=penalty, l1_ratio=l1_ratio, hidden=hidden, skip=skip, fit_intercept=fit_intercept,
        penalize_biases=penalize_biases, tol=tol, standardize=standardize, random_state=random_state,
        activation=activation, layer_penalties=layer_penalties, bias_penalties=bias_penalties, max_epochs=max_epochs,
        batch_size=batch_size, learning_rate=learning_rate, restarts=restarts, finish_iterations=finish_iterations,
        solver=solver,
    )  # fmt: skip
    matrix = as_matrix(X)
    weight = as_weight(sample_weight, matrix.shape[0])
    return spec.fit(X if spec.hidden else matrix, y, weight[None], lambdas, offset, progress)[0]
