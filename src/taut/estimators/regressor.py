"""The estimator for numeric targets."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import validate_data

from taut.estimators.base import PathEstimator, Target
from taut.estimators.options import as_regression_loss
from taut.messages import explains_arguments
from taut.path.inputs import check_numbers

Float = NDArray[np.float64]


@final
class Regressor(RegressorMixin, PathEstimator):  # type: ignore[misc]
    """A regularized linear model or neural network for numbers, its strength chosen from the data.

    It minimises F = L + λ·Ω along a path of λ: L the weighted mean loss over the standardised rows, Ω the
    penalty on the weights, not on intercepts unless ``penalize_biases``. ``lam`` and ``rule`` choose the λ.

    Parameters
    ----------
    hidden : sizes of the hidden layers, such as ``(64,)``; ``()`` is a linear model.
    penalty : ``"l1"`` Σ|w|, ``"l2"`` Σw², ``"elasticnet"`` ρΣ|w| + (1 − ρ)/2·Σw², or a ``Penalty``.
    l1_ratio : ρ, the mix of the elastic net; of several the best is taken, on shared folds.
    lam : ``"cv"``, ``"aic"``, ``"bic"``, ``"ebic"``, ``"gcv"`` (squared loss), ``"loo"`` (ridge: exact
        leave-one-out in closed form), or a number ≥ 0.
    rule : ``"min"``, the λ of smallest out-of-fold loss; ``"1se"``, the strongest within one standard error.
    cv : number of shuffled folds, a scikit-learn splitter, or an iterable of (train, test) rows.
    loss : ``"squared"``, ``"huber"``, ``"poisson"``, a name of ``taut.families``, or a ``Loss`` of numbers.
    skip : whether a network has a linear connection past its hidden layers.
    final : ``"refit"`` keeps the model of all rows, ``"average"`` the mean of the folds' η as one model.
    fallback : ``"2se"`` takes the network only where its losses on held-out rows beat the linear model's,
        row by row, by more than two standard errors; ``"never"`` keeps it, ``"always"`` the linear model.
    activation : of the hidden layers: ``"relu"``, ``"tanh"``, ``"sigmoid"``, ``"gelu"`` or ``"identity"``.
    fit_intercept : whether η has a constant.
    standardize : centre X (and y, for squared and Huber losses) and divide by the standard deviation.
    penalize_biases : whether the penalty acts on intercepts and biases too.
    layer_penalties, bias_penalties : of a network: one penalty for every layer, or a list with one per layer, the output's
        last; words as for ``penalty``, None is not penalised. λ multiplies them all, and ``penalty`` is then that of the
        skip connection; the output's bias is not penalised, or as ``penalty`` says. None: ``penalty`` everywhere.
    lambdas : how many strengths the path has, or the strengths; None is 100, or 30 with hidden layers.
    tol : relative duality gap to which convex problems are solved.
    max_epochs, batch_size, learning_rate : training of networks; None leaves them to the size of the data.
    restarts : walks of a network from different first weights; at each λ the one of lowest F is kept.
    finish_iterations : full-batch steps at the end of each λ of a network: many leave a small stationarity residual and
        settle the zeros; None is few, which predicts better.
    random_state : decides the folds and how a network starts.
    scoring : scikit-learn scorers to judge by beside the loss; the first of them then chooses.
    relax : None; γ from 0 (the kept features refitted without a penalty) to 1 (as penalised); ``"cv"`` chooses γ.
    adaptive : power of the adaptive lasso's factors 1/|β|^power, β a pilot ridge fit of the same rows; None: none.
    frequency_weights : whether sample weights are whole numbers that count repetitions of a row. AIC, BIC, EBIC and GCV, the
        pilot of ``adaptive`` and the network's standard errors then have Σ weights rows; else weights are relative, and
        there are as many rows as have a positive one, whatever the unit. A fold, and
        ``lam="loo"``, hold a row out with all its repetitions.
    warm_start : for ``lam`` a number: a network is trained on from the weights of the fit before, and a linear solution
        that still meets ``tol`` is kept. Where folds choose, all start afresh: weights that saw a fold's held-out rows
        would flatter its score.

    Attributes
    ----------
    coef_, intercept_ : (p,) and a number, or (q, p) and (q,), in the units of X and y; linear models.
    coefs_, intercepts_ : one matrix (in, out) and one vector (out,) per layer, in those units; networks.
    skip_coef_ : the linear connection (p, q) of a network.
    lam_, l1_ratio_, gamma_, path_ : the strength, the mix, the blend with the refit, the ``Path`` of all rows.
    n_iter_ : passes of the engine at the chosen strength, at least 1; linear models.
    scores_ : ``Scores`` over the folds, or None where no row was held out.
    measures_ : ``Scores`` of every scorer by name, as losses: minus the score.
    criteria_ : ``Criteria`` for ``lam="aic"`` and its like, or None.
    chosen_ : ``Choice``: network or linear, and by how much.
    rival_path_, rival_scores_ : of the model that was not taken, or None.
    n_features_in_, feature_names_in_ : what X looked like.
    loss_ : the ``Loss``.

    Hastie, Tibshirani and Friedman, *The Elements of Statistical Learning* (2nd ed.), §3.4 and §7.10.
    """

    @explains_arguments()
    def __init__(
        self,
        hidden: Any = (),
        *,
        penalty: Any = "l1",
        l1_ratio: Any = 0.5,
        lam: Any = "cv",
        rule: str = "min",
        cv: Any = 10,
        loss: Any = "squared",
        skip: bool = True,
        final: str = "refit",
        fallback: str = "2se",
        activation: str = "relu",
        fit_intercept: bool = True,
        standardize: bool = True,
        penalize_biases: bool = False,
        layer_penalties: Any = None,
        bias_penalties: Any = None,
        lambdas: Any = None,
        tol: float = 1e-6,
        max_epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        restarts: int = 1,
        finish_iterations: int | None = None,
        random_state: Any = None,
        scoring: Any = None,
        relax: Any = None,
        adaptive: Any = None,
        frequency_weights: bool = False,
        warm_start: bool = False,
    ) -> None:
        self.hidden = hidden
        self.penalty = penalty
        self.l1_ratio = l1_ratio
        self.lam = lam
        self.rule = rule
        self.cv = cv
        self.loss = loss
        self.skip = skip
        self.final = final
        self.fallback = fallback
        self.activation = activation
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.penalize_biases = penalize_biases
        self.layer_penalties = layer_penalties
        self.bias_penalties = bias_penalties
        self.lambdas = lambdas
        self.tol = tol
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.restarts = restarts
        self.finish_iterations = finish_iterations
        self.random_state = random_state
        self.scoring = scoring
        self.relax = relax
        self.adaptive = adaptive
        self.frequency_weights = frequency_weights
        self.warm_start = warm_start

    def predict(self, X: Any, offset: Any = None) -> Float:
        """The expected target: (n,), or (n, q) for several outputs; a rate for the Poisson loss.

        ``offset`` (n,): what is added to η; a model that was fitted with one needs one here.
        """
        eta = self._eta(X, offset)
        mean = np.asarray(self.loss_.inverse_link(eta))
        return mean if self._outputs else mean[:, 0]

    def score(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """R² of the predictions, the mean over the outputs."""
        return float(r2_score(y, self.predict(X, offset), sample_weight=sample_weight))

    def _check(self, X: Any, y: Any) -> tuple[Any, Any]:
        check_numbers("y", y)
        options = {"multi_output": self._several(), "y_numeric": True, "dtype": np.float64}
        checked: tuple[Any, Any] = validate_data(self, X, y, accept_sparse=self._sparse(), **options)
        return checked

    def _several(self) -> bool:
        """Whether y may have several columns."""
        return as_regression_loss(self.loss).traits.several_outputs

    def _target(self, y: Any, weight: Float) -> Target:
        values = np.asarray(y, dtype=np.float64)
        self._outputs = values.ndim == 2
        return Target(as_regression_loss(self.loss), values, weight)

    def _linear_shape(self, coef: Float, intercept: Float) -> tuple[Float, Any]:
        return (coef, intercept) if self._outputs else (coef[0], float(intercept[0]))

    def __sklearn_tags__(self) -> Any:
        """Several outputs where the loss takes them, as squares and Huber's do; positive targets where it asks for them."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = self._several()
        tags.target_tags.positive_only = as_regression_loss(self.loss).traits.lowest >= 0.0
        return tags
