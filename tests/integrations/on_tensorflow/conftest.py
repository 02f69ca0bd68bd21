"""TensorFlow is tested in an environment of its own (``.ci/run``); where it is not installed there is nothing to collect."""

from __future__ import annotations

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("tensorflow") else ["test_*.py"]
