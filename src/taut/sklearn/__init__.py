"""scikit-learn's linear models and networks under their own names and signatures, fitted by taut's engines.

``from taut.sklearn import LassoCV`` in place of ``from sklearn.linear_model import LassoCV``: the same parameters, the same
parameterisation (``alpha``, ``C``), the same fitted attributes. They are subclasses of scikit-learn's own classes, whose
``fit`` alone is replaced; what only steers one of its solvers (``precompute``, ``selection``, ``dual`` and so on) is
accepted and has no effect. docs/choosing.md lists what differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from taut.doors import open_door

if TYPE_CHECKING:
    from taut.sklearn.lasso import ElasticNet, Lasso
    from taut.sklearn.lasso_cv import ElasticNetCV, LassoCV
    from taut.sklearn.logistic import LogisticRegression
    from taut.sklearn.logistic_cv import LogisticRegressionCV
    from taut.sklearn.mlp import MLPClassifier, MLPRegressor
    from taut.sklearn.ridge import Ridge
    from taut.sklearn.ridge_cv import RidgeCV

open_door(
    __name__,
    {
        "lasso": "ElasticNet Lasso",
        "lasso_cv": "ElasticNetCV LassoCV",
        "logistic": "LogisticRegression",
        "logistic_cv": "LogisticRegressionCV",
        "mlp": "MLPClassifier MLPRegressor",
        "ridge": "Ridge",
        "ridge_cv": "RidgeCV",
    },
)
