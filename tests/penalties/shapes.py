"""The separable penalties, and a point."""

from __future__ import annotations

import numpy as np

from taut.penalties import L1, L2, MCP, SCAD, ElasticNet

INF = float("inf")
SEPARABLE = [L1, L2, ElasticNet, MCP, SCAD]
W = np.array([2.0, -0.5, 0.0])
