"""Options that several calls share: a typed dictionary says once what each is called, what it means and is by default.

``fit_path``, ``cross_validate``, the estimators, ``taut.fit`` and the command line take their keywords from here
(``taut.signature.explains_arguments`` makes signatures and docstrings of them, ``taut.cli.shared`` options of commands), and
``taut.path.make_spec`` reads them. So a new option is two places: a line here, and what it does.
"""

# No annotations from __future__: the records are read without resolving the names in quotes, so that nothing is imported.

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeAlias, TypedDict

if TYPE_CHECKING:
    from taut.losses import Loss
    from taut.penalties import Penalty

LayerPenalties: TypeAlias = "str | Penalty | Sequence[str | Penalty | None] | None"
"""One penalty for every layer of a network, or one per layer, by name or as it is; None: not penalised, or as ``penalty``."""


class Option(NamedTuple):
    """What is said of an option: its default, its meaning in a docstring, ``brief`` on the command line.

    On the command line it is one of ``choices`` if there are any, at least ``least`` or greater than ``above``.
    """

    default: Any
    meaning: str
    brief: str = ""
    choices: tuple[str, ...] = ()
    least: int | None = None
    above: float | None = None
    metavar: str | None = None


class ModelOptions(TypedDict, total=False):
    """What is fitted at one strength, whoever asks for it."""

    penalty: Annotated[
        "str | Penalty | None",
        Option(
            "l1",
            'the shape that λ multiplies: ``"l1"`` Σ|w|, ``"l2"`` Σw², ``"elasticnet"`` ρΣ|w| + (1 − ρ)/2·Σw²,'
            ' ``"mcp"`` and ``"scad"`` with their usual γ (3 and 3.7), not convex, which leave large weights unshrunk, or'
            " a ``Penalty``, whose factors and bounds may go by the names of columns where they have some.",
            "Lasso, ridge, or both; mcp and scad: sparse, and large weights are not shrunk (not convex).",
            choices=("l1", "l2", "elasticnet", "mcp", "scad"),
        ),
    ]
    l1_ratio: Annotated[
        "float | Sequence[float]",
        Option(
            0.5,
            "ρ, the mix of the elastic net: 1 is the lasso, 0 the ridge; of several, where λ is chosen, the best is taken on"
            " shared folds.",
            "Mix of the elastic net: 1 is the lasso, 0 the ridge; of several the best is taken.",
            metavar="R[,R…]",
        ),
    ]
    skip: Annotated[
        "bool",
        Option(
            True,
            "whether a network has a linear connection past its hidden layers.",
            "With --hidden: a linear connection past the hidden layers.",
        ),
    ]
    penalize_biases: Annotated[
        "bool",
        Option(
            False,
            "whether the penalty acts on intercepts and biases too.",
            "Penalise intercept and biases too.",
        ),
    ]
    standardize: Annotated[
        "bool",
        Option(
            True,
            "centre X (and y, for squared and Huber losses) and divide by the weighted standard deviation: λ and the"
            " penalty live on that scale.",
            "Fit on columns (and numbers to predict) of mean 0 and standard deviation 1.",
        ),
    ]
    tol: Annotated[
        "float",
        Option(
            1e-6,
            "relative duality gap to which convex problems are solved, at every λ.",
            "Relative duality gap to which every λ of a convex problem is solved.",
            above=0.0,
        ),
    ]
    activation: Annotated[
        "str",
        Option(
            "relu",
            'of the hidden layers: ``"relu"``, ``"tanh"``, ``"sigmoid"``, ``"gelu"`` or ``"identity"``.',
            "With --hidden: what a neuron does to its input.",
            choices=("relu", "tanh", "sigmoid", "gelu", "identity"),
        ),
    ]
    layer_penalties: Annotated[
        LayerPenalties,
        Option(
            None,
            "of a network: one penalty for the weights of every layer, or a list with one per layer, the output's last; words"
            " as for ``penalty``, None is not penalised. λ multiplies them all, and ``penalty`` is then that of the skip"
            " connection. None: ``penalty`` on all weights.",
            "With --hidden: penalty of each layer's weights, the output's last.",
            metavar="l1,…,none",
        ),
    ]
    bias_penalties: Annotated[
        LayerPenalties,
        Option(
            None,
            "of a network: the same for the biases; the output's is None or ``penalty``, so that the network contains the"
            " linear model. None: ``penalize_biases`` decides.",
            "With --hidden: penalty of each layer's biases, the output's last.",
            metavar="l1,…,none",
        ),
    ]


class TrainingOptions(TypedDict, total=False):
    """How a network is trained; None leaves a number to taut (``taut.solvers.networks.settings.Training``)."""

    max_epochs: Annotated[
        "int | None",
        Option(
            None,
            "passes over the rows of a network at each λ (the first gets ten times as many).",
            "With --hidden: most passes over the rows at each λ. Default: 20.",
            least=0,
            metavar="EPOCHS",
        ),
    ]
    batch_size: Annotated[
        "int | None",
        Option(
            None,
            "rows of a network's mini-batch; None follows the number of rows.",
            "With --hidden: rows per step. Default: 32 to 128, by the number of rows.",
            least=1,
            metavar="ROWS",
        ),
    ]
    learning_rate: Annotated[
        "float | None",
        Option(
            None,
            "Adam's step size in the training of a network.",
            "With --hidden: Adam's step size. Default: 0.01.",
            above=0.0,
            metavar="RATE",
        ),
    ]
    restarts: Annotated[
        "int | None",
        Option(
            None,
            "walks of a network from different first weights; at each λ the one of lowest F is kept. None is 1.",
            "With --hidden: walks from different first weights; the lowest F is kept at each λ. Default: 1.",
            least=1,
            metavar="WALKS",
        ),
    ]
    finish_iterations: Annotated[
        "int | None",
        Option(
            None,
            "full-batch steps at the end of each λ of a network: many leave a small stationarity residual and settle the"
            " zeros; few, as None, predict better where λ is weak.",
            "With --hidden: full-batch steps at the end of each λ. Default: 5, from 20,000 rows 2.",
            least=0,
            metavar="STEPS",
        ),
    ]


class ArrayOptions(TypedDict, total=False):
    """What the calls on arrays are told besides."""

    loss: Annotated[
        "str | Loss",
        Option(
            "squared",
            '``"squared"``, ``"logistic"``, ``"multinomial"``, ``"poisson"``, ``"gamma"``, ``"tweedie"``, ``"huber"``'
            " or a ``Loss``.",
        ),
    ]
    hidden: Annotated[
        "Sequence[int]",
        Option((), "sizes of the hidden layers, such as ``(64,)``; ``()`` is a linear model."),
    ]
    fit_intercept: Annotated["bool", Option(True, "whether η has a constant.")]
    random_state: Annotated[
        "int | None", Option(None, "decides how a network starts, and how folds and resamples are drawn.")
    ]
    solver: Annotated[
        "str | None",
        Option(
            None,
            'None chooses the engine of a linear model by loss, penalty, n and p; ``"moments"``, ``"working-set"``,'
            ' ``"rotated-ridge"``, ``"coordinate-descent"``, ``"newton"``, ``"softmax"``, ``"small-newton"``,'
            ' ``"ridge-newton"``, ``"group-descent"``, ``"group-newton"``, ``"majorization"`` and'
            ' ``"proximal-gradient"`` force one.',
        ),
    ]


class SpecOptions(ArrayOptions, ModelOptions, TrainingOptions, total=False):
    """Everything that the specification of a path says."""


class ChoiceOptions(TypedDict, total=False):
    """How the estimators and ``taut.fit`` choose the strength and the final model."""

    lam: Annotated[
        "Any",
        Option(
            "cv",
            '``"cv"``, ``"aic"``, ``"bic"``, ``"ebic"``, ``"gcv"`` (squared loss), ``"loo"`` (ridge: exact leave-one-out in'
            " closed form), or a number ≥ 0.",
        ),
    ]
    rule: Annotated[
        "str",
        Option(
            "min",
            '``"min"``, the λ of smallest out-of-fold loss; ``"1se"``, the strongest within one standard error.',
        ),
    ]
    cv: Annotated[
        "Any",
        Option(
            10, "number of shuffled folds, a scikit-learn splitter, or an iterable of (train, test) rows."
        ),
    ]
    lambdas: Annotated[
        "Any",
        Option(
            None,
            "how many strengths the path has, or the strengths; None is 100, or 30 with hidden layers, and more, by a factor of"
            " ten at a time, where a network's held-out loss is smallest in the last sixth and falls with them.",
        ),
    ]
    final: Annotated[
        "str",
        Option(
            "average",
            'of a network: ``"average"`` is the mean of the folds\' η, some ten networks as one, ``"refit"`` the network'
            " of all rows. A linear model is always that of all rows, and so is a network where no folds choose λ, or folds"
            " that leave rows out of both parts, as those in order of time do.",
        ),
    ]
    fallback: Annotated[
        "str",
        Option(
            "1se",
            '``"1se"`` takes the network only where its losses on held-out rows beat the linear model\'s, row by row, by more'
            ' than one standard error, ``"2se"`` two; ``"never"`` keeps it, ``"always"`` the linear model.',
        ),
    ]
    scoring: Annotated[
        "Any",
        Option(None, "scikit-learn scorers to judge by beside the loss; the first of them then chooses."),
    ]
    relax: Annotated[
        "Any",
        Option(
            None,
            'None; γ from 0 (the kept features refitted without a penalty) to 1 (as penalised); ``"cv"`` chooses γ.',
        ),
    ]
    adaptive: Annotated[
        "Any",
        Option(
            None,
            "power of the adaptive lasso's factors 1/|β|^power, β a pilot ridge fit of the same rows; None: none.",
        ),
    ]
    frequency_weights: Annotated[
        "bool",
        Option(
            False,
            "whether row weights are whole numbers that count repetitions of a row. AIC, BIC, EBIC and GCV, the pilot of"
            " ``adaptive`` and the network's standard errors then have Σ weights rows; else weights are relative, and there"
            ' are as many rows as have a positive one, whatever the unit. A fold, and ``lam="loo"``, hold a row out with all'
            " its repetitions.",
        ),
    ]
    early_stop: Annotated[
        "bool",
        Option(
            True,
            "whether the linear paths of all folds end together once the held-out loss has exceeded its minimum by more than"
            " one standard error (two with fewer than ten folds) for five λ running; ``lambdas`` given as values stay whole.",
            "End the path where the CV score has clearly risen.",
        ),
    ]


class EstimatorOptions(ModelOptions, TrainingOptions, ChoiceOptions, total=False):
    """What both estimators and ``taut.fit`` are told."""


class PlanOptions(ArrayOptions, EstimatorOptions, total=False):
    """What a plan follows from."""


def options_of(*records: Any) -> dict[str, Option]:
    """What is said of each option of typed dictionaries, by name, in their order."""
    return {
        name: said
        for record in records
        for name, kind in record.__annotations__.items()
        for said in getattr(kind, "__metadata__", ())
        if isinstance(said, Option)
    }


def defaults_of(*records: Any) -> dict[str, Any]:
    """The default of each option of typed dictionaries."""
    return {name: option.default for name, option in options_of(*records).items()}
