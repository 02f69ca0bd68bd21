"""The report without a browser: what it carries and what it leaves out."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest

import taut
import taut.tabular.options
from taut.report.packing import Series, packed_series, rounded
from taut.tabular.diagnostics import GROUP_ROWS, MAX_CURVES, _shares
from taut.tabular.words.page import fit_data
from tests.report.pages import wide_fit
from tests.tables import features, fitted


def island(page: str) -> dict[str, object]:
    (text,) = re.findall(r'<script type="application/json" id="story">(.*?)</script>', page, re.S)
    return json.loads(text)


class TestPage:
    def test_asks_for_nothing(self, tmp_path: Path) -> None:
        page = fitted().report(tmp_path / "page.html").read_text(encoding="utf-8")
        assert (
            re.findall(r"""(?:src|href)\s*=|url\(|@import|https?://(?!www\.w3\.org/2000/svg)""", page) == []
        )
        policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page).group(1)
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy

    def test_of_a_loaded_model_is_the_page_of_the_fit(self, tmp_path: Path) -> None:
        fit = fitted(bootstrap=4)
        fit.save(tmp_path / "model.safetensors")
        pages = [
            one.report(tmp_path / f"{k}.html").read_bytes()
            for k, one in enumerate((fit, taut.load(tmp_path / "model.safetensors")))
        ]
        assert pages[0] == pages[1]

    def test_of_a_model_without_evidence_is_still_a_page(self, tmp_path: Path) -> None:
        small = fitted().compact()
        data = island(small.report(tmp_path / "page.html").read_text(encoding="utf-8"))
        assert data["uses"] is data["groups"] is None
        assert "moments" not in data

    @pytest.mark.parametrize("target", ["price", "sold", "kind"])
    def test_numbers_are_those_of_the_path(self, target: str) -> None:
        fit = fitted(target)
        data = fit_data(fit)
        assert data["lambdas"] == fit.path.lambdas.tolist()
        assert data["nonzeros"] == fit.path.nonzeros.tolist()
        np.testing.assert_allclose(data["explained"], fit.path.deviance_explained, rtol=1e-6)
        table = fit.path_table()
        column = next(name for name in table.columns if name.startswith("cv_") and not name.endswith("_se"))
        np.testing.assert_allclose(data["scores"]["mean"], table[column], rtol=1e-6)
        flat = np.frombuffer(base64.b64decode(data["coefs"]["values"]), dtype="<f4")
        assert np.count_nonzero(flat) == np.count_nonzero(fit.path.coefs)
        units = np.array(data["units"])
        chosen = fit.path.coefs[-1].reshape(len(fit.features), -1)
        found = unpacked(data["coefs"])[:, :, -1]
        np.testing.assert_allclose(found * units, chosen, rtol=1e-6)

    def test_training_loss_and_penalty_are_in_the_units_of_the_table(self) -> None:
        fit = fitted(tol=1e-12)
        data = fit_data(fit)
        prepared = taut.tabular.prepare(
            features("price"), taut.tabular.options.Options.of("price", cv=3, lambdas=8)
        )
        y, X = prepared.train.y, prepared.train.X
        direct = [np.mean((y - fit.path.decision_at(X, i)) ** 2) for i in range(len(fit.path))]
        np.testing.assert_allclose(data["loss"]["data"], direct, rtol=1e-6)

    def test_the_correlations_can_be_left_out(self, tmp_path: Path) -> None:
        fit = fitted()
        whole, bare = (
            fit.report(tmp_path / "page.html", gram=g).read_text(encoding="utf-8") for g in (True, False)
        )
        assert "moments" in island(whole)
        assert "moments" not in island(bare)
        assert "--no-gram" in whole
        assert "--no-gram" not in bare

    def test_no_row_is_in_it(self) -> None:
        """Test scores, residuals and shares are told for groups of rows."""
        for target in ("sold", "kind"):
            rows = fitted(target, bootstrap=0).evidence.groups[:, :, 2::3]
            assert rows.min() >= GROUP_ROWS
            assert np.all(rows.sum(axis=1) == 72)

    def test_calibration_of_a_class_is_that_of_its_own_probability(self) -> None:
        """Over all groups, mean probability and share are those of the class; no single classes where there are many."""
        rng = np.random.default_rng(0)
        mean, y = rng.dirichlet([1.0, 2.0, 3.0], size=90), rng.integers(3, size=90).astype(float)
        told = _shares(mean, y, np.ones(90), 6).reshape(6, 4, 3)
        assert np.all(told[:, :, 2] == 15)
        for c in range(3):
            np.testing.assert_allclose(told[:, 1 + c, 0].mean(), mean[:, c].mean())
            np.testing.assert_allclose(told[:, 1 + c, 1].mean(), np.mean(y == c))
            assert np.all(np.diff(told[:, 1 + c, 0]) > 0)
        np.testing.assert_allclose(told[:, 0, 1].mean(), np.mean(mean.argmax(axis=1) == y))
        many = rng.dirichlet(np.ones(MAX_CURVES + 1), size=90)
        assert _shares(many, y, np.ones(90), 6).shape == (6, 3)

    def test_size_at_100_strengths_and_300_features(self, tmp_path: Path) -> None:
        path = wide_fit().report(tmp_path / "wide.html")
        assert path.stat().st_size < 400_000


def unpacked(packed: dict[str, object]) -> np.ndarray:
    flat = np.frombuffer(base64.b64decode(packed["values"]), dtype="<f4").astype(float)
    values = np.zeros((len(packed["first"]), packed["outputs"], packed["length"]))
    start = 0
    for j, first in enumerate(packed["first"]):
        size = packed["outputs"] * (packed["length"] - first)
        values[j, :, first:] = flat[start : start + size].reshape(packed["outputs"], -1)
        start += size
    return values


class TestPacking:
    def test_series_keep_zeros_and_their_order(self) -> None:
        values = np.zeros((3, 2, 4))
        values[0, 0, 1:], values[2, 1, :] = [1.0, 0.0, 2.0], [3.0, 4.0, 0.0, -5.0]
        packed = packed_series(Series(values))
        assert packed["first"] == [1, 4, 0]
        np.testing.assert_array_equal(unpacked(packed), values)

    def test_what_is_no_number_is_null(self) -> None:
        assert rounded([[1.23456789, np.nan], [np.inf, 0.0]], 3) == [[1.23, None], [None, 0.0]]


class TestNotebook:
    def test_a_fit_and_a_path_show_themselves_in_a_frame_of_their_own(self) -> None:
        path = taut.fit_path(np.eye(8)[:, :3], np.arange(8.0), lambdas=5)
        for shown_object in (fitted(), path):
            display = shown_object._repr_html_()
            assert display.startswith('<iframe srcdoc="&lt;!doctype html&gt;')
            assert 'sandbox="allow-scripts"' in display
            assert "<script" not in display
