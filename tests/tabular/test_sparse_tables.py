"""Sparse tables through ``taut.fit`` and the commands: the dense fit's numbers, in the memory of the stored entries."""

from __future__ import annotations

import json
import math
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp
from click.testing import CliRunner
from sklearn.datasets import dump_svmlight_file

import taut
from taut.cli.commands import main
from taut.design import DataError

N, P = 150, 12
RNG = np.random.default_rng(5)
DENSE = RNG.normal(size=(N, P)) * (RNG.random((N, P)) < 0.3) * np.logspace(-1, 1, P)
X = sp.csr_array(DENSE)
SIGNAL = DENSE @ np.r_[3.0, -2.0, 1.0, np.zeros(P - 3)]
Y = 2.0 + SIGNAL + 0.1 * RNG.normal(size=N)
NAMES = [f"x{j + 1}" for j in range(P)]
QUICK: dict[str, Any] = {"cv": 3, "lambdas": 15, "tol": 1e-10}


def frame(y: Any) -> dict[str, Any]:
    """The dense table of the same numbers."""
    return {name: DENSE[:, j] for j, name in enumerate(NAMES)} | {"y": y}


def coefs(fit: taut.Fit) -> dict[tuple[Any, ...], tuple[float, ...]]:
    """Coefficients by feature, and by class where there are several."""
    return {row[:-2]: row[-2:] for row in fit.coefficients().rows()}


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (Y, None),
        ((SIGNAL > 0).astype(int), None),
        (np.digitize(SIGNAL, np.quantile(SIGNAL, [0.3, 0.7])), "classification"),
    ],
)
@pytest.mark.parametrize("penalty", ["l1", "elasticnet"])
def test_a_sparse_table_gives_the_dense_tables_fit(y: Any, task: str | None, penalty: str) -> None:
    # Gaps of 1e-12 leave coefficients of nearly separable classes, where the loss is flat, some 1e-6 of their size, times √p.
    close = QUICK | {"tol": 1e-12}
    dense = taut.fit(frame(y), "y", task, penalty=penalty, **close)
    sparse = taut.fit(X, y, task, penalty=penalty, **close)
    assert coefs(sparse).keys() == coefs(dense).keys()
    size = max(abs(value) for values in coefs(dense).values() for value in values)
    for name, values in coefs(dense).items():
        np.testing.assert_allclose(coefs(sparse)[name], values, atol=1e-5 * size)
    assert sparse.lam == pytest.approx(dense.lam, rel=1e-10)
    assert all(c.met for c in sparse.path.certificates)
    np.testing.assert_allclose(sparse.decision(X), dense.decision(frame(y)), atol=1e-5 * size)
    assert [j.model for j in sparse.tested] == [j.model for j in dense.tested]
    np.testing.assert_allclose(sparse.tested[0].score, dense.tested[0].score, atol=1e-6)


def test_a_sparse_fit_takes_dense_rows_and_the_other_way_round() -> None:
    sparse, dense = taut.fit(X, Y, **QUICK), taut.fit(frame(Y), "y", **QUICK)
    np.testing.assert_allclose(sparse.predict(frame(Y)), sparse.predict(X), atol=1e-12)
    np.testing.assert_allclose(dense.predict(X), dense.predict(frame(Y)), atol=1e-12)


def test_saved_loaded_and_compacted_fits_predict_the_same(tmp_path: Path) -> None:
    names = [f"word {j}" for j in range(P)]
    fit = taut.fit(X, Y, names=names, drop=["word 11"], **QUICK)
    assert "word 11" not in fit.features
    loaded = taut.load(fit.save(tmp_path / "m.safetensors"))
    assert np.array_equal(loaded.predict(X.tocsc()), fit.predict(X))
    assert str(loaded) == str(replace(fit, seconds=math.nan))  # a model file has no times
    np.testing.assert_allclose(fit.compact().predict(X), fit.predict(X), atol=1e-12)
    assert fit.report(tmp_path / "m.html").exists()


@pytest.mark.slow
def test_two_hundred_thousand_columns_take_little_memory() -> None:
    n, p = 2_000, 200_000
    wide = sp.random_array((n, p), density=5e-3, rng=np.random.default_rng(1), format="csr")
    y = wide @ np.r_[np.full(200, 5.0), np.zeros(p - 200)] + 0.01 * RNG.normal(size=n)
    strongest = np.abs(wide.T @ (y - y.mean()) / n).max() / (np.sqrt(5e-3 / 3) * y.std())
    grid = (
        2.0 * strongest * np.geomspace(1.0, 0.6, 12)
    ).tolist()  # a fine one: screening rests on the step before
    tracemalloc.start()
    fit = taut.fit(wide, y, cv=2, lambdas=grid)
    fit.predict(wide)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(fit.features) == p
    assert 0 < fit.path.nonzeros[-1] < n
    assert all(c.met for c in fit.path.certificates)
    assert peak < n * p  # an eighth of the dense table's 3.2 GB


def run(*arguments: object) -> Any:
    """The command's result."""
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_commands_on_svmlight_and_npz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    dump_svmlight_file(X, Y, "d.svm", zero_based=False)
    sp.save_npz("d.npz", X)
    np.save("y.npy", Y)
    plain = taut.fit("d.svm", "label", cv=3)
    for data, target in (("d.svm", "label"), ("d.npz", "y.npy")):
        out = tmp_path / f"{data}.taut"
        fitted = run("fit", data, "--target", target, "--cv", 3, "--out", out)
        assert fitted.exit_code == 0, fitted.output
        assert "sparse" in fitted.output
        assert ("svmlight: the label is the column label" in fitted.output) == (data == "d.svm")
        again = run("fit", data, "--target", target, "--cv", 3, "--out", out)
        assert "this very fit" in again.output
        shown = run("show", out, "--columns")
        assert "x1: number" in shown.output
        predicted = run("predict", out, data, "--json")
        values = [row[{"y.npy": "y"}.get(target, target)] for row in json.loads(predicted.stdout)]
        np.testing.assert_allclose(values, plain.predict("d.svm"), atol=1e-8)
    np.save("y.npy", Y + 1.0)
    assert run("fit", "d.npz", "--target", "y.npy", "--cv", 3, "--out", "d.npz.taut").exit_code == 2
    assert run("compare", "d.svm", "--target", "label", "--cv", 3, "--linear").exit_code == 0


def test_vectors_beside_the_matrix_are_columns(tmp_path: Path) -> None:
    parts = {"data": X.data, "indices": X.indices, "indptr": X.indptr, "shape": np.array(X.shape)}
    beside = {"y": Y, "w": np.ones(N), "g": np.arange(N) % 10, "size": np.arange(N) * 1.0}
    np.savez(tmp_path / "d.npz", format=np.array("csr"), **parts, **beside)
    fit = taut.fit(tmp_path / "d.npz", "y", weights="w", groups="g", **QUICK)
    assert {"size", "x1"} <= set(fit.features)
    assert not {"y", "w", "g"} & set(fit.features)
    assert fit.predict(tmp_path / "d.npz").shape == (N,)


def nan_at(row: int, column: int) -> sp.csr_array:
    """The table with one entry that is no number."""
    values = DENSE.copy()
    values[row, column] = np.nan
    return sp.csr_array(values)


@pytest.mark.parametrize(
    ("table", "target", "options", "words"),
    [
        (nan_at(6, 2), Y, {}, ["'x3'", "row 7", "nan", "impute"]),
        (X, Y[:-1], {}, ["150 rows", "'y' has 149"]),
        (X, np.column_stack([Y, Y]), {}, ["'y'", "no column of numbers"]),
        (X, Y, {"names": ["a"]}, ["1 names for 12 columns"]),
        (X, Y, {"names": ["a"] * P}, ["12 columns are called 'a'"]),
        (X * 1e200, Y, {}, ["cannot be squared"]),
        (X * 0.0, Y, {}, ["no column is left"]),
        (X * 1j, Y, {}, ["complex128", "real numbers"]),
        (X[:0], Y[:0], {}, ["no rows"]),
        (DENSE, Y, {}, ["scipy sparse", "taut.Regressor"]),
        (X, "y", {}, ["no target column 'y'"]),
    ],
)
def test_what_cannot_be_fitted_is_said(
    table: Any, target: Any, options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(DataError) as error:
        taut.fit(table, target, **options)
    assert all(word in str(error.value) for word in words), str(error.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hidden": (4,)}, "networks need dense columns, and the sparse table written out takes 1.56e-05 GB"),
        ({"interactions": True}, "derived features need dense columns"),
        ({"categorical": ["x1"]}, "categorical columns need dense columns"),
    ],
)
def test_what_needs_dense_columns_is_refused_where_they_would_fill_the_memory(
    options: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taut.tabular.sparse_tables.memory", lambda: 10_000)
    with pytest.raises(DataError, match=words):
        taut.fit(X, Y, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"hidden": (3,), "max_epochs": 3, "lambdas": 4, "cv": 2, "fallback": "never"},
        {"interactions": True, "degree": 2, **QUICK},
        {"splines": 4, **QUICK},
        {"categorical": ["x2"], **QUICK},
    ],
)
def test_a_small_sparse_table_is_written_out_where_that_is_needed(
    options: dict[str, Any], tmp_path: Path
) -> None:
    if "categorical" in options:
        table = sp.csr_array(np.column_stack([DENSE[:, 0], np.arange(N) % 3]))
        names = ["x1", "x2"]
    else:
        table, names = X, NAMES
    sparse = taut.fit(table, Y, **options)
    dense = taut.fit(dict(zip(names, table.toarray().T, strict=True)) | {"y": Y}, "y", **options)
    assert "sparse, and written out (" in str(sparse)
    assert sparse.features == dense.features
    np.testing.assert_array_equal(sparse.predict(table), dense.predict(table))
    rows = dict(zip(names, table.toarray().T, strict=True))
    np.testing.assert_allclose(sparse.predict(table), sparse.predict(rows), atol=1e-12)
    loaded = taut.load(sparse.save(tmp_path / "m.safetensors"))
    assert np.array_equal(loaded.predict(table), sparse.predict(table))


@pytest.mark.slow
def test_leaks_of_a_sparse_table_are_found() -> None:
    words = RNG.random((400, 3_000)) < 0.02
    alone = words * RNG.random(words.shape)
    y = RNG.normal(size=400)
    alone[:, 7] = 2.0 * y + 1.0
    assert any(
        "'x8' orders the rows" in leak for leak in taut.fit(sp.csr_array(alone), y, **QUICK).setting.leaks
    )
    together = words * 1.0
    sums = together[:, 4] + 2.0 * together[:, 9] + RNG.normal(size=400) * 0.0
    summed = taut.fit(sp.csr_array(together), sums + 0.5 * together[:, 11], "regression", **QUICK)
    assert any("linear combination of" in leak for leak in summed.setting.leaks)
    spoken = (words[:, 3]).astype(int)
    assert taut.fit(sp.csr_array(together), spoken, **QUICK).setting.leaks
    assert not taut.fit(sp.csr_array(together), y, **QUICK).setting.leaks


def test_the_target_beside_is_called_by_its_name_alone(tmp_path: Path) -> None:
    sp.save_npz(tmp_path / "d.npz", X)
    np.save(tmp_path / "price.npy", Y)
    fit = taut.fit(tmp_path / "d.npz", str(tmp_path / "price.npy"), **QUICK)
    assert fit.setting.target.name == fit.setting.options.target == "price"
    assert "regression of price" in str(fit)


def test_what_cannot_be_predicted_is_said(tmp_path: Path) -> None:
    fit = taut.fit(X, Y, **QUICK)
    for other in (X[:, :-1], sp.hstack([X, X])):
        with pytest.raises(DataError, match="columns, and the model was fitted to 12"):
            fit.predict(other)
    with pytest.raises(DataError, match="nan"):
        fit.predict(nan_at(0, 0))
    mixed = pl.DataFrame(frame(Y)).with_columns(kind=pl.Series(["u", "v"] * (N // 2)))
    with pytest.raises(DataError, match="'kind' is missing"):
        taut.fit(mixed, "y", **QUICK).predict(X)


def test_a_damaged_sparse_file_is_an_error(tmp_path: Path) -> None:
    parts = {"data": X.data, "indices": X.indices + 50, "indptr": X.indptr, "shape": np.array(X.shape)}
    np.savez(tmp_path / "d.npz", format=np.array("csr"), **parts)
    with pytest.raises(DataError, match="not a readable sparse matrix"):
        taut.fit(tmp_path / "d.npz", "y")
    np.savez(tmp_path / "d.npz", format=np.array("coo"), **parts)
    with pytest.raises(DataError, match="CSR or CSC"):
        taut.fit(tmp_path / "d.npz", "y")
