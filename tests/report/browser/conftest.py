"""A browser for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.report.browser.visit import running


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with running() as one:
        yield one
