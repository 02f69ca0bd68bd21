"""A pytest plugin: scikit-learn's own test files meet taut's drop-ins under scikit-learn's names.

``-p tests.references.drop_in.plugin`` puts the drop-ins into ``sklearn.linear_model`` and ``sklearn.neural_network`` before any test
file is imported. What ``exclusions.py`` lists is run too, and has to fail: a listed test that passes, and a listed name that
matches no test, are errors, so that the list can not outlive its reasons. The count by reason is printed at the end.
"""

from __future__ import annotations

from collections import Counter

import pytest
import sklearn.linear_model
import sklearn.neural_network

import taut.sklearn
from tests.references.drop_in.exclusions import EXCLUSIONS

HOMES = {
    sklearn.linear_model: (
        "ElasticNet", "ElasticNetCV", "Lasso", "LassoCV", "LogisticRegression", "LogisticRegressionCV", "Ridge", "RidgeCV",
    ),
    sklearn.neural_network: ("MLPClassifier", "MLPRegressor"),
}  # fmt: skip
for home, names in HOMES.items():
    for name in names:
        setattr(home, name, getattr(taut.sklearn, name))

excluded: Counter[str] = Counter()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is listed, each with its reason."""
    used: set[tuple[str, str]] = set()
    for item in items:
        listed = EXCLUSIONS[item.path.name].items()
        reason = next((why for why, names in listed if _listed(item, names, used)), None)
        if reason is not None:
            excluded[reason] += 1
            item.add_marker(pytest.mark.xfail(reason=f"excluded: {reason}", strict=True))
    every = {
        (item.path.name, name)
        for item in items
        for names in EXCLUSIONS[item.path.name].values()
        for name in names
    }
    if every != used and not config.getoption("keyword"):
        raise pytest.UsageError(f"exclusions that match no test: {sorted(every - used)}")


def _listed(item: pytest.Item, names: tuple[str, ...], used: set[tuple[str, str]]) -> bool:
    """A name without brackets stands for all parameters of a test; with them, for those that contain what they hold."""
    own, _, parameters = item.name.partition("[")
    for name in names:
        test, _, part = name.partition("[")
        if own == test and part.rstrip("]") in parameters:
            used.add((item.path.name, name))
            return True
    return False


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many tests are excluded, for which reason."""
    for reason, count in sorted(excluded.items()):
        terminalreporter.write_line(f"excluded {count:5d}  {reason}")
