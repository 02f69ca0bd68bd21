"""Settings that every test run shares, which examples are slow, and TAUT_REQUIRE_ALL, under which a skip is a failure.

A test that needs PyTorch, JAX, Keras, R or the data sets in TAUT_DATA skips with a reason where they are absent, so that
the README's test command stays light. CI has all of them and sets TAUT_REQUIRE_ALL=1: there a skip means that
a check was lost.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import TypeVar

import pytest
from hypothesis import settings

os.environ.setdefault("JAX_ENABLE_X64", "1")  # read when JAX is first imported; laws need float64
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("KERAS_BACKEND", "jax")

# A kernel compiles on its first call, so a first example may be slow; CI must not be a lottery.
settings.register_profile("taut", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("taut")

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)
REQUIRE_ALL = os.environ.get("TAUT_REQUIRE_ALL") == "1"


@pytest.hookimpl(tryfirst=True)  # before ``-m`` looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of the examples of a test that is ``sampled`` those that are not kept are slow."""
    examples: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("sampled"):
            examples.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for group in examples.values():
        mark = group[0].get_closest_marker("sampled")
        kept = _kept([item.nodeid.partition("[")[2] for item in group], *mark.args, **mark.kwargs)
        for item, keep in zip(group, kept, strict=True):
            if not keep:
                item.add_marker(pytest.mark.slow)


def _kept(names: list[str], *wanted: int | str, without: str = "") -> list[bool]:
    """So many of the names, evenly spread from the first to the last; those that hold a word; all that are without one."""
    count = min(sum(w for w in wanted if isinstance(w, int)), len(names))
    places = {round(k * (len(names) - 1) / max(count - 1, 1)) for k in range(count)}
    words = [w for w in wanted if isinstance(w, str)]
    return [
        place in places or any(w in name for w in words) or (without != "" and without not in name)
        for place, name in enumerate(names)
    ]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _refuse_skip((yield))


def _refuse_skip(report: Report) -> Report:
    if REQUIRE_ALL and report.skipped and "wasxfail" not in vars(report):
        report.outcome = "failed"
        report.longrepr = f"skipped under TAUT_REQUIRE_ALL=1: {report.longrepr}"
    return report
