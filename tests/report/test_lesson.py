"""The lesson: its arithmetic is taut's, its networks do what the page says of them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import taut
from taut.report.lesson import SCRIPTS
from tests.report.test_scripts import ASSETS, DECLARED, IMPORTED

NODE = shutil.which("node")
HERE = Path(__file__).parent / "page"
HIDDEN = 5
STEPS = 40


def flat(params: taut.Params) -> np.ndarray:
    """In the order of the page: W by rows, b, v, c."""
    (W, v), (b, c) = params.weights, params.biases
    return np.concatenate([np.ravel(part) for part in (W, b, v, c)])


def asked(**given: Any) -> dict[str, Any]:
    done = subprocess.run(
        [NODE, str(HERE / "lesson.mjs")], input=json.dumps(given), capture_output=True, text=True, check=True
    )
    return {name: np.array(value) for name, value in json.loads(done.stdout).items()}


@pytest.mark.skipif(NODE is None, reason="node is not installed")
class TestArithmetic:
    """Forward, backward and both steps of the page, beside the NumPy implementation, on the same numbers."""

    @pytest.mark.parametrize("mix", [0.0, 0.3, 1.0])
    @pytest.mark.parametrize("lam", [0.0, 0.02])
    @pytest.mark.parametrize("biases", [False, True])
    def test_is_taut_s(self, mix: float, lam: float, biases: bool) -> None:
        rng = np.random.default_rng(3)
        X = rng.uniform(-1, 1, size=(30, 2))
        y = (X.sum(axis=1) + 0.3 * rng.normal(size=30) > 0).astype(float)
        network = taut.Network(hidden=(HIDDEN,), activation="tanh")
        params = network.init(2, 1, rng)
        params = params.rebuild([array + 0.1 * rng.normal(size=array.shape) for array in params.arrays])
        penalty = lam * taut.ElasticNet(1.0, mix, 1.0 - mix)
        objective = taut.Objective(
            taut.Logistic(), network, weights=penalty, biases=penalty if biases else None
        )
        how = {"lam": lam, "mix": mix, "rate": 0.7, "biases": biases}
        told = asked(
            params=flat(params).tolist(),
            hidden=HIDDEN,
            rows=X.tolist(),
            labels=y.tolist(),
            how=how,
            steps=STEPS,
        )
        terms = objective.forward(params, X, y)
        for name, value in (("data", terms.data), ("penalty", terms.penalty), ("total", terms.total)):
            np.testing.assert_allclose(told[name], np.ravel(value)[0], rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(
            told["gradient"], flat(objective.backward_data(params, X, y)), rtol=1e-10, atol=1e-14
        )
        proximal = plain = params
        for _ in range(STEPS):
            proximal = objective.proximal_step(proximal, X, y, 0.7)
            plain = objective.gradient_step(plain, X, y, 0.7)
        np.testing.assert_allclose(told["proximal"], flat(proximal), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(told["plain"], flat(plain), rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(told["proximal"] == 0, flat(proximal) == 0)


class TestPage:
    def test_is_one_small_file_of_its_own(self, tmp_path: Path) -> None:
        place = taut.teach(tmp_path / "lesson.html")
        text = place.read_text(encoding="utf-8")
        assert len(text.encode()) < 60_000
        assert "default-src 'none'" in text
        assert not [
            word
            for word in ("http:", "https:", "innerHTML", "eval(", "fetch(")
            if word in text.replace("http://www.w3.org/2000/svg", "")
        ]

    def test_joins_every_file_after_those_it_imports(self) -> None:
        plain = [Path(name).name for name in SCRIPTS]
        for place, name in enumerate(SCRIPTS):
            text = (ASSETS / name).read_text(encoding="utf-8")
            wanted = [Path(found).name for found in IMPORTED.findall(text)]
            assert set(wanted) <= set(plain[:place]), name
        names = [n for file in SCRIPTS for n in DECLARED.findall((ASSETS / file).read_text(encoding="utf-8"))]
        assert sorted(names) == sorted(set(names))
