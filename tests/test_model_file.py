"""Model files: what is loaded predicts bit for bit as what was saved, and nothing else gets through the door."""

from __future__ import annotations

import json
import os
import pickle
import struct
import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors import safe_open

import taut
from tables import fitted, table
from taut.losses import SquaredError
from taut.model_file import (
    Archive,
    ModelFileError,
    Reader,
    pack,
    read_archive,
    unpack,
    write_archive,
    write_atomically,
)
from taut.model_file.codec import loss_kind
from taut.tabular.storing import to_archive

CASES: dict[str, dict[str, Any]] = {
    "lasso": {"target": "price"},
    "given λ": {"target": "price", "lam": 0.1, "penalty": "l2"},
    "Huber": {"target": "price", "loss": "huber"},
    "Poisson": {"target": "count", "loss": "poisson"},
    "two classes": {"target": "sold", "penalty": "elasticnet"},
    "three classes": {"target": "kind"},
    "network": {"target": "price", "hidden": (4, 3), "fallback": "never", "max_epochs": 2, "cv": 2, "lambdas": 5},
    "network of classes": {
        "target": "kind", "hidden": (4,), "skip": False, "fallback": "never", "activation": "tanh", "max_epochs": 2,
        "cv": 2, "lambdas": 4, "final": "average",
    },
}  # fmt: skip


@cache
def fit_of(case: str) -> taut.Fit:
    return fitted(**CASES[case])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return fit_of("lasso").save(tmp_path / "m.safetensors")


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("case", CASES)
class TestRoundTrip:
    def test_everything_is_bit_equal(self, case: str, tmp_path: Path) -> None:
        fit = fit_of(case)
        again = taut.load(fit.save(tmp_path / "m.safetensors"))
        assert str(again) == str(fit)
        assert again.path_table().equals(fit.path_table())
        assert again.coefficients().equals(fit.coefficients())
        for lam in (None, *fit.path.lambdas):
            assert np.array_equal(again.decision(table(), lam), fit.decision(table(), lam))
        if fit.classes:
            assert np.array_equal(again.predict_proba(table()), fit.predict_proba(table()))

    def test_saving_again_gives_the_same_bytes(self, case: str, tmp_path: Path) -> None:
        first = fit_of(case).save(tmp_path / "a.safetensors")
        second = taut.load(first).save(tmp_path / "b.safetensors")
        assert first.read_bytes() == second.read_bytes()

    def test_a_compact_fit_predicts_the_same_from_less(self, case: str, tmp_path: Path) -> None:
        fit = fit_of(case)
        compact = taut.load(fit.compact().save(tmp_path / "c.safetensors"))
        needed = table().select(compact.setting.preparation.columns)
        np.testing.assert_allclose(compact.decision(needed), fit.decision(table()), rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(
            compact.decision(needed, compact.lam), fit.decision(table(), fit.lam), rtol=1e-10, atol=1e-10
        )
        assert len(compact.features) <= len(fit.features)


class TestTheFile:
    def test_the_header_holds_fixed_words_and_tensors_of_numbers(self, model: Path) -> None:
        with safe_open(model, framework="numpy") as file:
            assert json.loads(file.metadata().pop("taut")) == {
                "schema": "1", "loss": "squared", "activation": "relu", "task": "regression",
            }  # fmt: skip
            assert {file.get_slice(k).get_dtype() for k in file.keys()} == {"F64", "U8"}  # noqa: SIM118
        assert int.from_bytes(model.read_bytes()[:8], "little") < 1 << 20

    def test_a_folder_is_a_model_too(self, tmp_path: Path) -> None:
        folder = fit_of("lasso").save(tmp_path / "houses.taut")
        assert sorted(p.name for p in folder.iterdir()) == ["model.safetensors", "path.csv", "run.json"]
        assert str(taut.load(folder)) == str(fit_of("lasso"))

    def test_a_loss_of_the_users_own_cannot_be_saved(self) -> None:
        @dataclass(frozen=True)
        class Mine(SquaredError):
            pass

        with pytest.raises(ValueError, match="numbers, not code"):
            loss_kind(Mine())


class TestRefusals:
    def rewritten(self, path: Path, change: Any) -> None:
        archive = to_archive(fit_of("lasso"))
        document = json.loads(json.dumps(archive.document))
        tensors = dict(archive.tensors)
        labels = dict(archive.labels)
        change(document, tensors, labels)
        write_archive(path, Archive(labels, document, tensors))

    @pytest.mark.parametrize(
        "change",
        [
            lambda d, t, m: m.update(schema="99"),
            lambda d, t, m: d.pop("setting"),
            lambda d, t, m: d["path"].update(loss="os.system"),
            lambda d, t, m: d["path"].update(kind="subprocess"),
            lambda d, t, m: d["path"].update(p=7),
            lambda d, t, m: d["path"].update(p=1 << 60),
            lambda d, t, m: d["layers"].update(activation="builtins.eval"),
            lambda d, t, m: d["layers"].update(count=5),
            lambda d, t, m: d.update(index=99),
            lambda d, t, m: d.update(tested=[]),
            lambda d, t, m: d["setting"]["preparation"].update(selected=[0]),
            lambda d, t, m: d["setting"]["target"].update(task="ranking"),
            lambda d, t, m: d["setting"]["options"].update(command="rm"),
            lambda d, t, m: t.pop("path.lambdas"),
            lambda d, t, m: t.update({"path.losses": np.zeros(3)}),
            lambda d, t, m: t.update({"path.intercepts": np.zeros((8, 2))}),
            lambda d, t, m: t.update({"path.measures": np.full(8, 200, dtype=np.uint8)}),
            lambda d, t, m: t.update({"path.lambdas": np.zeros(8, dtype=np.int64)}),
            lambda d, t, m: t.update({"path.lambdas": np.zeros(8, dtype=np.float32)}),
        ],
    )
    def test_a_changed_model_is_refused(self, tmp_path: Path, change: Any) -> None:
        path = tmp_path / "m.safetensors"
        self.rewritten(path, change)
        with pytest.raises(ModelFileError, match=r"m\.safetensors: ") as caught:
            taut.load(path)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"x" * 7,
            pickle.dumps({"a": 1}),
            struct.pack("<Q", 1 << 40) + b"{}",
            struct.pack("<Q", 2) + b"{}",
            struct.pack("<Q", 9) + b"not json!",
            struct.pack("<Q", 64) + b'{"a":{"dtype":"F64","shape":[99],"data_offsets":[0,8]}}'.ljust(64),
        ],
    )
    def test_what_is_no_model_is_refused(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "m.safetensors"
        path.write_bytes(content)
        with pytest.raises(ModelFileError):
            taut.load(path)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ModelFileError, match="no such file"):
            taut.load(tmp_path / "nowhere")

    @given(st.data())
    def test_a_damaged_byte_is_refused_or_harmless(self, data: st.DataObject) -> None:
        """Whatever single byte is wrong or missing, loading ends in a model or in a ModelFileError."""
        whole = bytearray(_bytes_of_lasso())
        place = data.draw(st.integers(0, min(4000, len(whole) - 1)))
        whole[place] = data.draw(st.integers(0, 255))
        cut = data.draw(st.sampled_from([len(whole), place]))
        path = Path(os.environ.get("TMPDIR", "/tmp")) / f"taut-damaged-{os.getpid()}.safetensors"
        path.write_bytes(whole[:cut])
        try:
            taut.load(path)
        except ModelFileError:
            pass
        finally:
            path.unlink()


@cache
def _bytes_of_lasso() -> bytes:
    archive = to_archive(fit_of("lasso"))
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"taut-whole-{os.getpid()}.safetensors"
    write_archive(path, archive)
    content = path.read_bytes()
    path.unlink()
    return content


class TestWriting:
    def test_a_failed_write_leaves_the_old_file_and_no_other(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "m.bin"
        write_atomically(path, b"old")

        def broken(*_: Any) -> None:
            raise OSError("disk full")

        monkeypatch.setattr(os, "replace", broken)
        with pytest.raises(OSError, match="disk full"):
            write_atomically(path, b"new")
        assert path.read_bytes() == b"old"
        assert [p.name for p in tmp_path.iterdir()] == ["m.bin"]

    def test_a_write_replaces_the_whole_file(self, tmp_path: Path) -> None:
        path = tmp_path / "new folder" / "m.bin"
        for content in (b"a long content", b"short"):
            write_atomically(path, content)
            assert path.read_bytes() == content
        assert [p.name for p in path.parent.iterdir()] == ["m.bin"]

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no umask")
    def test_the_umask_decides_who_may_read(self, tmp_path: Path) -> None:
        before = os.umask(0o027)
        try:
            write_atomically(tmp_path / "m", b"")
        finally:
            os.umask(before)
        assert (tmp_path / "m").stat().st_mode & 0o777 == 0o640

    @given(
        hnp.arrays(
            np.float64, hnp.array_shapes(max_dims=3), elements=st.sampled_from([0.0, -0.0, 1.5, np.nan])
        )
    )
    def test_packing_keeps_every_bit(self, values: np.ndarray[Any, np.dtype[np.float64]]) -> None:
        again = unpack("a", Reader("file", pack("a", values)), values.shape)
        assert again.tobytes() == values.tobytes()

    def test_places_outside_the_shape_are_refused(self) -> None:
        tensors = {"a.places": np.array([5]), "a.values": np.array([1.0])}
        with pytest.raises(ModelFileError, match="places outside"):
            unpack("a", Reader("file", tensors), (2, 2))
        with pytest.raises(ModelFileError, match="too large"):
            unpack("a", Reader("file", tensors), (1 << 40,))

    def test_an_archive_comes_back(self, tmp_path: Path) -> None:
        archive = Archive({"loss": "squared"}, {"names": ["größe", "\x1b"]}, {"a": np.eye(2)})
        write_archive(tmp_path / "a", archive)
        again = read_archive(tmp_path / "a")
        assert again.document == archive.document
        assert np.array_equal(again.tensors["a"], np.eye(2))
        assert replace(again, tensors={}, document={}).labels["loss"] == "squared"
