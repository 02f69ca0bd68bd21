"""ONNX: another program predicts from the raw columns what taut predicts, to 1e-6."""

from __future__ import annotations

import datetime
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import taut
from tests.tables import features, fitted, table

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

DATES = [datetime.date(2020, 1, 1) + datetime.timedelta(days=11 * i) for i in range(90)]
NETWORK = {"fallback": "never", "max_epochs": 2, "cv": 2, "lambdas": 4}
CASES: dict[str, dict[str, Any]] = {
    "lasso": {"target": "price"},
    "Poisson": {"target": "count", "loss": "poisson"},
    "an offset": {"target": "price", "offset": "x2"},
    "two classes": {"target": "sold"},
    "three classes": {"target": "kind"},
    "derived": {"target": "price", "interactions": True, "degree": 3, "splines": 4, "lam": 0.05},
    "relu network": {"target": "price", "hidden": (4, 3), **NETWORK},
    "tanh network of classes": {"target": "kind", "hidden": (4,), "activation": "tanh", "skip": False, **NETWORK},
    "sigmoid network": {"target": "sold", "hidden": (4,), "activation": "sigmoid", **NETWORK},
    "gelu network": {"target": "price", "hidden": (4,), "activation": "gelu", **NETWORK},
    "a network that is linear": {"target": "price", "hidden": (4,), "cv": 2, "lambdas": 4, "max_epochs": 1, "fallback": "always"},
}  # fmt: skip


def rows() -> pl.DataFrame:
    """New rows with gaps, an infinity, unseen levels and missing ones."""
    data = table().drop("price", "count", "sold", "kind", "weight").head(40)
    place = pl.int_range(pl.len())
    return data.with_columns(
        x1=pl.when(place == 3).then(float("inf")).otherwise(pl.col("x1")),
        x3=pl.when(place % 5 == 0).then(None).otherwise(pl.col("x3")),
        town=pl.when(place == 7).then(pl.lit("Zz")).when(place == 8).then(None).otherwise(pl.col("town")),
        size=pl.when(place == 9).then(pl.lit("huge")).otherwise(pl.col("size")),
    )


def run(fit: taut.Fit, data: pl.DataFrame, path: Path) -> dict[str, Any]:
    session = onnxruntime.InferenceSession(fit.export_onnx(path), providers=["CPUExecutionProvider"])
    feed = {
        column.name: np.array(data[column.name].fill_null("").to_list(), dtype=object)[:, None]
        if "string" in column.type
        else (data[column.name].to_physical() if data[column.name].dtype == pl.Date else data[column.name])
        .cast(pl.Float64)
        .fill_null(float("nan"))
        .to_numpy()[:, None]
        for column in session.get_inputs()
    }
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, feed), strict=True))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("case", CASES)
def test_it_predicts_what_taut_predicts(case: str, tmp_path: Path) -> None:
    fit, data = fitted(**CASES[case]), rows()
    found = run(fit, data, tmp_path / "m.onnx")
    if fit.classes:
        np.testing.assert_allclose(found["probabilities"], fit.predict_proba(data), atol=1e-6)
        assert found["label"].tolist() == fit.predict(data).tolist()
    else:
        np.testing.assert_allclose(found["prediction"], fit.predict(data), rtol=1e-6, atol=1e-6)
    assert np.ptp(found.get("prediction", found.get("probabilities"))) > 0


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("case", ["tanh network of classes", "sigmoid network"])
def test_the_temperature_is_in_the_graph(case: str, tmp_path: Path) -> None:
    fit = replace(fitted(**CASES[case]), temperature=2.5)
    probabilities = run(fit, rows(), tmp_path / "m.onnx")["probabilities"]
    np.testing.assert_allclose(probabilities, fit.predict_proba(rows()), atol=1e-6)
    assert np.abs(probabilities - replace(fit, temperature=1.0).predict_proba(rows())).max() > 1e-3


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_rare_levels_dates_and_whole_labels(tmp_path: Path) -> None:
    towns = ["u"] * 60 + ["v"] * 28 + ["a", "b"]
    data = features("price").with_columns(town=pl.Series(towns), when=pl.Series(DATES), seen=pl.col("x1") > 0)
    data = data.with_columns(
        price=(pl.col("x1") + pl.col("when").dt.month() / 4).round().cast(pl.Int64).clip(0, 2)
    )
    fit = taut.fit(data, "price", "classification", lam=0.01, test_size=0)
    found = run(fit, data, tmp_path / "m.onnx")
    assert "town rare" in fit.features
    assert found["label"].dtype == np.int64
    np.testing.assert_allclose(found["probabilities"], fit.predict_proba(data), atol=1e-6)
    assert found["label"].tolist() == fit.predict(data).tolist()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_dates_enter_as_days_of_the_calendar(tmp_path: Path) -> None:
    """Leap days, centuries, days before 1970, gaps; text in the training file or not."""
    days = [datetime.date(1583, 1, 1) + datetime.timedelta(days=int(d)) for d in range(0, 250_000, 97)]
    days += [
        datetime.date(year, month, day)
        for year in (1600, 1900, 2000, 2024, 2100)
        for month, day in ((2, 28), (3, 1), (12, 31))
    ]
    days += [
        datetime.date(2000, 2, 29),
        datetime.date(2024, 2, 29),
        datetime.date(1969, 12, 31),
        datetime.date(1970, 1, 1),
    ]
    when = pl.Series("when", days)
    y = when.dt.year() / 10 + 5 * when.dt.month() - 3 * when.dt.weekday()
    data = pl.DataFrame({"when": when, "y": y})
    for own in (data, data.with_columns(when=pl.col("when").dt.strftime("%d.%m.%Y"))):
        fit = taut.fit(own, "y", lam=1e-4)
        assert set(fit.features) == {"when year", "when month", "when weekday"}
        found = run(fit, data, tmp_path / "m.onnx")
        np.testing.assert_allclose(found["prediction"], fit.predict(own), rtol=1e-6, atol=1e-6)
    gaps = data.head(9).with_columns(
        when=pl.when(pl.int_range(pl.len()) == 5).then(None).otherwise(pl.col("when"))
    )
    fit = taut.fit(data, "y", lam=1e-4)
    found = run(fit, gaps, tmp_path / "m.onnx")
    np.testing.assert_allclose(found["prediction"], fit.predict(gaps), rtol=1e-6, atol=1e-6)


def test_times_enter_as_parts_of_a_day(tmp_path: Path) -> None:
    """Every minute of a day, and text in the training file: the hour is that of the clock."""
    start = datetime.datetime(2024, 2, 28, 0, 0)
    times = pl.Series("when", [start + datetime.timedelta(minutes=7 * i) for i in range(600)])
    data = pl.DataFrame({"when": times, "y": times.dt.hour() * 1.0 + times.dt.weekday()})
    days = data.with_columns(when=pl.col("when").dt.epoch("us") / 86_400e6)
    for own in (data, data.with_columns(when=pl.col("when").dt.strftime("%d-%b-%Y %I:%M %p"))):
        fit = taut.fit(own, "y", lam=1e-4)
        assert "when hour" in fit.features
        found = run(fit, days, tmp_path / "m.onnx")
        np.testing.assert_allclose(found["prediction"], fit.predict(own), rtol=1e-6, atol=1e-6)


def test_a_compact_fit_asks_for_fewer_columns(tmp_path: Path) -> None:
    data = features("price")
    fit = taut.fit(data, "price", lam=1.0)
    whole, small = run(fit, data, tmp_path / "a.onnx"), run(fit.compact(), data, tmp_path / "b.onnx")
    np.testing.assert_allclose(small["prediction"], whole["prediction"], rtol=1e-9)
    session = onnxruntime.InferenceSession(tmp_path / "b.onnx")
    assert len(session.get_inputs()) < len(data.columns) - 2


def test_without_onnx_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"taut\[onnx\]"):
        fitted("price").export_onnx(tmp_path / "m.onnx")
