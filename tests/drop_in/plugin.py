"""A pytest plugin: scikit-learn's own test files meet taut's drop-ins under scikit-learn's names.

``-p tests.drop_in.plugin`` puts the drop-ins into ``sklearn.linear_model`` and ``sklearn.neural_network`` before any test
file is imported, and deselects what ``exclusions.py`` lists; a listed name that matches no test is an error, so that the
list can not outlive its reasons. The count by reason is printed at the end.
"""

from __future__ import annotations

from collections import Counter

import pytest
import sklearn.linear_model
import sklearn.neural_network
from tests.drop_in.exclusions import EXCLUSIONS

import taut.sklearn

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
    """Leave out what is listed, each with its reason."""
    kept, left_out, used = [], [], set()
    for item in items:
        file = item.path.name
        reason = next((why for why, names in EXCLUSIONS[file].items() if _listed(item, names, used)), None)
        if reason is None:
            kept.append(item)
        else:
            excluded[reason] += 1
            left_out.append(item)
    files = {item.path.name for item in items}
    unused = [
        name
        for file in files
        for names in EXCLUSIONS[file].values()
        for name in names
        if (file, name) not in used
    ]
    if unused and not config.getoption("keyword"):
        raise pytest.UsageError(f"exclusions that match no test: {unused}")
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


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
    """How many tests were left out, for which reason."""
    for reason, count in sorted(excluded.items()):
        terminalreporter.write_line(f"excluded {count:5d}  {reason}")
