"""What is asked of columns and made from them: overrides, rare levels, derived features, leaks, and formats beside CSV."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline
from sklearn.datasets import dump_svmlight_file

import taut
from taut.design import (
    DataError,
    Expansion,
    Levels,
    Overrides,
    Reason,
    Wanted,
    find_leaks,
    from_document,
    learn_preparation,
    read_table,
    to_document,
)
from taut.design.derived import natural_spline
from taut.tabular import prepare
from taut.tabular.options import Options
from tests.data import data_path
from tests.tables import features

N = 60
RNG = np.random.default_rng(3)
X = RNG.normal(size=(N, 3))


def frame(**columns: Any) -> Any:
    return read_table(pl.DataFrame(columns))[0]


def learn(table: Any, **more: Any) -> Any:
    return learn_preparation(table, np.arange(len(table)) * 3 + 1, **more)


def cycle(*values: Any) -> list[Any]:
    return [values[i % len(values)] for i in range(N)]


class TestOverrides:
    TABLE = frame(
        code=cycle(1, 2, 3),
        words=cycle("7", "8", "odd", "x", "y"),
        name=[f"n{i}" for i in range(N)],
        z=X[:, 0],
    )

    def test_numbers_can_be_levels(self) -> None:
        asked = learn(self.TABLE, overrides=Overrides(categorical=("code",)))
        assert [n for n in asked.names if n.startswith("code")] == ["code=1", "code=2", "code=3"]
        floats = learn(frame(code=cycle(1.0, 2.0, 2.5)), overrides=Overrides(categorical=("code",)))
        assert floats.names == ("code=1", "code=2", "code=2.5")

    def test_text_can_be_numbers(self) -> None:
        asked = learn(self.TABLE, overrides=Overrides(numeric=("words",)))
        assert {"words", "words missing"} <= set(asked.names)
        assert asked.remarks == ("words: 'odd', 'x', 'y' read as missing",)

    def test_a_column_can_be_dropped_or_kept(self) -> None:
        asked = learn(self.TABLE, overrides=Overrides(drop=("z",), keep=("name",)))
        assert "z" not in asked.names
        assert ("z", Reason.DROPPED) in {(x.name, x.reason) for x in asked.left_out}
        assert sum(n.startswith("name=") for n in asked.names) == N

    def test_a_counter_can_be_kept(self) -> None:
        table = frame(row_id=np.arange(N), z=X[:, 0])
        assert learn_preparation(table, np.arange(N)).names == ("z",)
        assert learn_preparation(table, np.arange(N), overrides=Overrides(keep=("row_id",))).names == (
            "row_id",
            "z",
        )

    def test_they_arrive_from_fit_and_are_kept_in_the_model(self, tmp_path: Path) -> None:
        data = features("price").with_columns(code=pl.Series(list(range(3)) * 30))
        fit = taut.fit(data, "price", lam=0.1, categorical=["code"], drop=["x1"], keep=["row_id"])
        again = taut.load(fit.save(tmp_path / "m.safetensors"))
        assert again.setting.options == fit.setting.options
        assert {"code=0", "code=1", "code=2"} <= set(again.features)
        data.write_csv(tmp_path / "d.csv")
        with pytest.warns(UserWarning, match="row_id: .* not seen in training"):  # the names of the test rows
            assert np.array_equal(again.predict(tmp_path / "d.csv"), fit.predict(data))


class TestRareLevels:
    CELLS = ("often",) * 40 + ("also",) * 14 + ("r1", "r1", "r1", "r2", "r3", "r3")

    def test_they_share_a_feature_and_an_unseen_one_joins_them(self) -> None:
        learned = learn(frame(k=list(self.CELLS) * 10 + ["a", "b"]))
        assert learned.names == ("k=also", "k=often", "k=r1", "k=r2", "k=r3", "k rare")
        small = learn(frame(k=["u"] * 50 + ["v"] * 8 + ["a", "b"]))
        assert small.names == ("k=u", "k=v", "k rare")
        design = small.transform(frame(k=["a", "b", "never", "u"]))
        assert design.matrix.tolist() == [[0, 0, 1], [0, 0, 1], [0, 0, 1], [1, 0, 0]]
        assert design.remarks == ("k: 'never' not seen in training, read as the rare levels",)

    def test_one_rare_level_stands_for_itself_and_all_rare_ones_too(self) -> None:
        assert learn(frame(k=["u"] * 30 + ["v"] * 29 + ["a"])).names == ("k=a", "k=u", "k=v")
        assert not learn(frame(k=cycle(*(f"l{i}" for i in range(30))))).categories[0].pooled

    def test_gaps_stay_apart(self) -> None:
        learned = learn(frame(k=["u"] * 40 + ["v"] * 10 + ["a", "b"] + [None] * 8))
        assert learned.names == ("k=u", "k=v", "k rare", "k missing")
        rows = learned.transform(frame(k=["b", None])).matrix
        assert rows.tolist() == [[0, 0, 1, 0], [0, 0, 0, 1]]

    @given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=40), st.booleans())
    def test_every_row_has_one_feature_or_none(self, cells: list[str], missing: bool) -> None:
        levels = Levels("k", ("a", "b", "c"), missing, 0.3, ("d", "e"))
        codes, unseen = levels.codes(frame(k=cells)["k"])
        encoded = np.column_stack([levels.feature(codes, j) for j in range(len(levels.names))])
        assert (encoded.sum(axis=1) == 1).all()
        assert set(unseen) == set(cells) & set("fgh")


class TestDerived:
    TABLE = frame(a=X[:, 0] * 5 + 100, b=X[:, 1], k=cycle("u", "v", "w"))

    def expanded(self, **asked: Any) -> tuple[Any, Any]:
        learned = learn(self.TABLE, expansion=Expansion(**asked))
        matrix = learned.transform(self.TABLE).matrix
        return learned, dict(zip(learned.names, matrix.T, strict=True))

    def test_powers_are_of_the_standardised_column(self) -> None:
        learned, found = self.expanded(degree=3)
        u = (found["a"] - found["a"].mean()) / found["a"].std()
        np.testing.assert_allclose(found["a^2"], u**2)
        np.testing.assert_allclose(found["a^3"], u**3)
        assert learned.names == ("a", "b", "k=u", "k=v", "k=w", "a^2", "a^3", "b^2", "b^3")
        assert learned.sources[5:] == ("a", "a", "b", "b")

    def test_products_join_different_columns(self) -> None:
        learned, found = self.expanded(interactions=True)
        u, v = ((found[n] - found[n].mean()) / found[n].std() for n in "ab")
        np.testing.assert_allclose(found["a:b"], u * v)
        np.testing.assert_allclose(found["a:k=w"], u * found["k=w"])
        assert "k=u:k=v" not in learned.names
        assert len(learned.names) == 5 + 1 + 2 * 3

    def test_splines_span_the_natural_ones(self) -> None:
        """With 1 and x they interpolate exactly as SciPy's natural spline does between the knots."""
        knots = np.array([-2.0, -0.5, 0.3, 1.0, 2.5])
        u = np.linspace(-2, 2.5, 81)
        basis = np.stack([np.ones_like(u), u, *(natural_spline(u, knots, k) for k in (1, 2, 3))], axis=1)
        expected = CubicSpline(knots, np.sin(3 * knots), bc_type="natural")(u)
        fitted = basis @ np.linalg.lstsq(basis, expected, rcond=None)[0]
        np.testing.assert_allclose(fitted, expected, atol=1e-10)
        beyond = natural_spline(np.array([3.0, 4.0, 5.0]), knots, 2)
        assert np.diff(beyond, 2) == pytest.approx(0, abs=1e-9)

    def test_knots_come_from_the_training_rows(self) -> None:
        learned, found = self.expanded(splines=4)
        assert [n for n in learned.names if "spline" in n] == [
            "a spline 1",
            "a spline 2",
            "b spline 1",
            "b spline 2",
        ]
        wild = self.TABLE[:2].to_native().with_columns(a=pl.lit(1e6))
        again = learned.transform(read_table(wild)[0]).matrix
        assert np.isfinite(again).all()
        assert np.ptp(found["a spline 1"]) > 0

    def test_columns_of_two_values_have_no_powers(self) -> None:
        learned = learn(
            frame(a=X[:, 0], flag=cycle(0, 1), g=[None, *X[1:, 1]]), expansion=Expansion(degree=2)
        )
        assert learned.names == ("a", "flag", "g", "g missing", "a^2", "g^2")

    def test_any_subset_is_the_same_features_from_fewer_columns(self) -> None:
        learned, found = self.expanded(interactions=True, degree=2, splines=4)
        for names in (["a:b"], ["k=w", "b^2"], ["b spline 2", "a"], ["b:k=u", "k=v", "a^2"]):
            part = learned.take([learned.names.index(n) for n in names])
            assert list(part.names) == names
            needed = self.TABLE.select(*part.columns)
            np.testing.assert_array_equal(part.transform(needed).matrix.T, [found[n] for n in names])
        assert learned.take([learned.names.index("b^2")]).columns == ("b",)

    def test_they_survive_json_bit_for_bit(self) -> None:
        learned, _ = self.expanded(interactions=True, degree=3, splines=5)
        document = json.loads(json.dumps(to_document(learned)))
        assert from_document(document) == learned
        for change in (
            {"terms": [[2, 0, 99]]},
            {"terms": [[1, 0, 9]]},
            {"terms": [[0, 0, 99]]},
            {"scale": [1.0]},
        ):
            with pytest.raises((ValueError, TypeError)):
                from_document({**document, "derived": {**document["derived"], **change}})

    def test_too_many_are_refused(self) -> None:
        wide = pl.DataFrame({f"v{j}": RNG.normal(size=N) for j in range(500)})
        with pytest.raises(DataError, match="124750 derived features"):
            learn(read_table(wide)[0], expansion=Expansion(interactions=True))

    @pytest.mark.parametrize("asked", [{"degree": 0}, {"degree": 10}, {"splines": 2}, {"splines": -1}])
    def test_numbers_out_of_range_are_named(self, asked: dict[str, int]) -> None:
        with pytest.raises(ValueError, match=next(iter(asked))):
            taut.fit(features("price"), "price", lam=0.1, **asked)  # type: ignore[arg-type]

    def test_the_lasso_finds_the_product_that_made_the_target(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        Z = rng.normal(size=(300, 4))
        y = 3 * Z[:, 0] * Z[:, 1] + Z[:, 2] ** 2 + 0.1 * rng.normal(size=300)
        data = pl.DataFrame({f"z{j}": Z[:, j] for j in range(4)} | {"y": y})
        fit = taut.fit(data, "y", interactions=True, degree=2, cv=3, lambdas=20, rule="1se")
        assert fit.coefficients()["feature"].to_list()[:2] == ["z0:z1", "z2^2"]
        assert "6 products" in str(fit)
        small = taut.load(fit.compact().save(tmp_path / "m.safetensors"))
        np.testing.assert_allclose(small.predict(data), fit.predict(data), rtol=1e-9)


class TestLeaks:
    def found(self, X: Any, y: Any, classes: bool = False) -> str:
        return "; ".join(
            find_leaks(np.asarray(X, dtype=float), np.asarray(y, dtype=float), list("abcde"), classes)
        )

    def test_numbers(self) -> None:
        rng = np.random.default_rng(1)
        Z = rng.normal(size=(400, 5))
        assert self.found(Z, Z @ [1, 2, 3, 4, 5] + 0.05 * rng.normal(size=400)) == ""
        assert self.found(Z, np.exp(Z[:, 3])) == "'d' orders the rows as the target does"
        assert self.found(Z, -7 * Z[:, 1] + 2) == "'b' orders the rows as the target does"
        assert "linear combination of 'c' and 'a'" in self.found(Z, Z[:, 0] + 3 * Z[:, 2])
        assert "linear combination" in self.found(
            Z, Z[:, 0] + Z[:, 1] - Z[:, 4] + 1e-5 * rng.normal(size=400)
        )

    def test_classes(self) -> None:
        rng = np.random.default_rng(2)
        Z = rng.normal(size=(400, 5))
        y = np.digitize(Z[:, 1], [-0.5, 0.5])
        assert self.found(Z, y, classes=True) == "'b' alone tells the classes apart without error"
        assert self.found(Z + 0.05 * rng.normal(size=Z.shape), y, classes=True) == ""

    def test_levels(self) -> None:
        level = RNG.integers(4, size=400)
        hot = (level[:, None] == np.arange(4)).astype(float)
        names = ["town"] * 4
        said = find_leaks(hot, (level > 1).astype(float), names, True)
        assert said == ("'town' has one target for each of its levels",)
        assert find_leaks(hot, level * 1.5, names, False) == said
        assert find_leaks(hot, RNG.normal(size=400), names, False) == ()

    def test_levels_of_several_columns(self) -> None:
        first, second, third = RNG.integers(2, size=(3, 400)).astype(float)
        columns = np.column_stack([first, third, second])
        said = find_leaks(columns, (first + 2 * second) % 3, ["a", "b", "c"], True)
        assert said == ("'a' and 'c' together tell the target",)
        triple = find_leaks(columns, (first + second + third) % 2, ["a", "b", "c"], True)
        assert triple == ("'a' and 'b' and 'c' together tell the target",)

    def test_real_leaks(self) -> None:
        def leaks(folder: str, name: str, target: str) -> tuple[str, ...]:
            return prepare(data_path(folder, name), Options.of(target)).setting.leaks

        assert leaks("wage", "Wage.csv", "wage") == ("'logwage' orders the rows as the target does",)
        together = ("'Genotype' and 'Treatment' and 'Behavior' together tell the target",)
        assert leaks("mice_protein", "Data_Cortex_Nuclear.csv", "class") == together
        assert leaks("titanic", "titanic.csv", "Survived") == ()

    @given(st.integers(0, 2**32 - 1), st.sampled_from([(25, 200), (60, 1000), (300, 20)]), st.booleans())
    def test_noise_is_never_accused(self, seed: int, shape: tuple[int, int], classes: bool) -> None:
        rng = np.random.default_rng(seed)
        y = rng.integers(2, size=shape[0]).astype(float) if classes else rng.normal(size=shape[0])
        assert find_leaks(rng.normal(size=shape), y, [f"v{j}" for j in range(shape[1])], classes) == ()

    def test_a_fit_says_it_and_so_does_the_loaded_model(self, tmp_path: Path) -> None:
        data = features("price").with_columns(cents=pl.col("price") * 100)
        fit = taut.fit(data, "price", lam=0.1)
        assert "Leak?    'cents' orders the rows as the target does" in str(fit)
        untimed = replace(fit, seconds=math.nan)  # a model file has no times
        assert str(taut.load(fit.save(tmp_path / "m.safetensors"))) == str(untimed)
        assert "Leak?" not in str(taut.fit(data, "price", lam=0.1, drop=["cents"]))


class TestDates:
    def test_an_order_that_nothing_tells_is_said(self) -> None:
        days = [f"{1 + i % 9:02d}/{1 + i % 11:02d}/2024" for i in range(N)]
        said = ("when: dates read as month/day/year, and could be day/month/year (--dates when=%d/%m/%Y)",)
        assert learn(frame(when=days)).remarks == said
        assert learn(frame(when=["01/31/2024", *days[1:]])).remarks == ()
        told = learn(frame(when=["31/01/2024", *days[1:]]))
        assert told.remarks == ()
        assert told.numbers.reads[0].form == "%d/%m/%Y"


class TestFormats:
    def test_arrow(self, tmp_path: Path) -> None:
        data = pl.DataFrame({"a": X[:, 0], "k": cycle("u", "v")})
        data.write_ipc(tmp_path / "d.feather")
        assert read_table(tmp_path / "d.feather")[0].to_native().equals(data)

    def test_npz(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "d.npz", X=X, y=X @ [1.0, 2.0, 3.0], kind=np.array(cycle("u", "v")))
        found, _ = read_table(tmp_path / "d.npz")
        assert found.columns == ["X1", "X2", "X3", "y", "kind"]
        fit = taut.fit(tmp_path / "d.npz", "y", lam=0.0, test_size=0)
        coefs = dict(fit.coefficients().select("feature", "coef").iter_rows())
        assert [coefs[f"X{j}"] for j in (1, 2, 3)] == pytest.approx([1.0, 2.0, 3.0])

    def test_svmlight_and_a_narrower_file_for_prediction(self, tmp_path: Path) -> None:
        sparse = np.where(np.abs(X) > 0.5, X, 0.0)
        y = sparse @ [1.0, 0.5, 2.0] + 1
        dump_svmlight_file(sparse, y, str(tmp_path / "d.svm"), zero_based=False)
        fit = taut.fit(tmp_path / "d.svm", "label", lam=0.0, test_size=0)
        np.testing.assert_allclose(fit.predict(tmp_path / "d.svm"), y, atol=1e-8)
        (tmp_path / "new.svm").write_text("0 1:1.5\n0 2:-1\n")
        np.testing.assert_allclose(fit.predict(tmp_path / "new.svm"), [2.5, 0.5], atol=1e-8)

    def test_no_header(self, tmp_path: Path) -> None:
        file = io.BytesIO()
        np.savetxt(file, np.column_stack([X, X @ [1.0, 2.0, 3.0]]), delimiter=",")
        (tmp_path / "d.csv").write_bytes(file.getvalue())
        fit = taut.fit(tmp_path / "d.csv", "c4", lam=0.0, test_size=0, header=False)
        assert fit.setting.sizes.rows == N
        np.testing.assert_allclose(fit.predict(tmp_path / "d.csv"), X @ [1.0, 2.0, 3.0], atol=1e-8)

    def test_text_columns_are_read_as_text(self, tmp_path: Path) -> None:
        (tmp_path / "d.csv").write_text("zip,x\n00123,1\n00456,2\n")
        assert read_table(tmp_path / "d.csv", Wanted(texts=("zip",)))[0]["zip"].to_list() == [
            "00123",
            "00456",
        ]


class TestSingleQuotes:
    """Cells in single quotes, as some databases export them."""

    def test_they_are_read_as_quotes_and_said(self, tmp_path: Path) -> None:
        rows = "".join(f"'Braund, {i}';'it''s {i}';{i},5\n" for i in range(9))
        (tmp_path / "d.csv").write_text("'name';'word';x\n" + rows)
        found, source = read_table(tmp_path / "d.csv")
        assert found.columns == ["name", "word", "x"]
        assert found["name"].to_list() == [f"Braund, {i}" for i in range(9)]
        assert found["word"].to_list() == [f"it's {i}" for i in range(9)]
        assert found["x"].to_list() == [i + 0.5 for i in range(9)]
        assert source.notes == ("cells stand in single quotes",)

    @pytest.mark.parametrize(
        "row",
        ["O'Neil,5' 3,{i}\n", "'tis,{i},'a\n", "\"'a'\",b,{i}\n"],
        ids=["apostrophes", "one side", "inner"],
    )
    def test_apostrophes_are_none(self, row: str, tmp_path: Path) -> None:
        (tmp_path / "d.csv").write_text("a,b,c\n" + "".join(row.format(i=i) for i in range(9)))
        found, source = read_table(tmp_path / "d.csv")
        assert source.notes == ()
        assert "'" in str(found["a"].to_list()[0])
