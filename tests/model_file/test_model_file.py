"""Model files: what is loaded predicts bit for bit as what was saved, and nothing else gets through the door."""

from __future__ import annotations

import json
import math
import os
import subprocess
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
from taut.model_file.codec import encode_loss
from taut.tabular.storing import to_archive
from tests.robustness.hostile_models import CHANGES, WHOLE_FILES
from tests.tables import fitted, table

CASES: dict[str, dict[str, Any]] = {
    "lasso": {"target": "price"},
    "given λ": {"target": "price", "lam": 0.1, "penalty": "l2"},
    "Huber": {"target": "price", "loss": "huber"},
    "Poisson": {"target": "count", "loss": "poisson"},
    "an offset": {"target": "count", "loss": "poisson", "offset": "x1"},
    "two classes": {"target": "sold", "penalty": "elasticnet"},
    "three classes": {"target": "kind"},
    "network": {"target": "price", "hidden": (4, 3), "fallback": "never", "max_epochs": 2, "cv": 2, "lambdas": 5},
    "network of classes": {
        "target": "kind", "hidden": (4,), "skip": False, "fallback": "never", "activation": "tanh", "max_epochs": 2,
        "cv": 2, "lambdas": 4,
    },
}  # fmt: skip


@cache
def fit_of(case: str) -> taut.Fit:
    return fitted(**CASES[case])


WATCHED = """
import sys, warnings
from pathlib import Path
import taut
good = Path(sys.argv[1])
taut.load(good)  # what taut itself imports, once
import importlib.metadata  # with which a loss of an unknown name is looked for among installed packages
files = sorted(Path().glob("*.safetensors"))
now = None
def watch(event, args):
    if now is None:
        return
    if event == "open":
        if Path(str(args[0])).resolve() != now.resolve() or args[1] not in ("r", "rb"):
            print("opened", args, file=sys.stderr)
    elif event.split(".")[0] in ("import", "exec", "compile", "subprocess", "socket", "ctypes", "shutil", "marshal", "pickle") \\
            or event in ("os.system", "os.exec", "os.fork", "os.posix_spawn", "os.mkdir", "os.remove", "os.rename", "code.__new__"):
        print(event, args, file=sys.stderr)
sys.addaudithook(watch)
refused = loaded = 0
for file in files:
    try:
        now = file
        taut.load(file)
        now = None
        loaded += 1
    except ValueError:
        now = None
        refused += 1
print(f"{refused} refused, {loaded} loaded")
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return fit_of("lasso").save(tmp_path / "m.safetensors")


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("case", CASES)
class TestRoundTrip:
    def test_everything_is_bit_equal(self, case: str, tmp_path: Path) -> None:
        fit = fit_of(case)
        again = taut.load(fit.save(tmp_path / "m.safetensors"))
        assert str(again) == str(replace(fit, seconds=math.nan))  # a model file has no times
        assert again.path_table().equals(fit.path_table())
        assert again.coefficients().equals(fit.coefficients())
        for lam in (None, *fit.path.lambdas):
            assert np.array_equal(again.decision(table(), lam), fit.decision(table(), lam))
        if fit.classes:
            assert np.array_equal(again.predict_proba(table()), fit.predict_proba(table()))

    def test_the_temperature_and_the_members_are_kept(self, case: str, tmp_path: Path) -> None:
        fit = replace(fit_of(case), temperature=1.7, members=10)
        again = taut.load(fit.save(tmp_path / "m.safetensors"))
        assert (again.temperature, again.members) == (1.7, 10)
        if fit.classes:
            assert np.array_equal(again.predict_proba(table()), fit.predict_proba(table()))
            plain = fit_of(case).predict_proba(table(), fit.lam)
            np.testing.assert_array_equal(again.predict_proba(table(), fit.lam), plain)
        with pytest.raises(ModelFileError, match="the temperature is"):
            taut.load(replace(fit, temperature=0.0).save(tmp_path / "m.safetensors"))

    def test_saving_again_gives_the_same_bytes(self, case: str, tmp_path: Path) -> None:
        first = fit_of(case).save(tmp_path / "a.safetensors")
        second = taut.load(first).save(tmp_path / "b.safetensors")
        assert first.read_bytes() == second.read_bytes()

    def test_a_compact_fit_predicts_the_same_from_less(self, case: str, tmp_path: Path) -> None:
        fit = fit_of(case)
        compact = taut.load(fit.compact().save(tmp_path / "c.safetensors"))
        columns = {*compact.setting.preparation.columns, fit.setting.options.offset} - {None}
        needed = table().select(sorted(columns))
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
            encode_loss(Mine())


class TestRefusals:
    def rewritten(self, path: Path, change: Any) -> None:
        archive = to_archive(fit_of("lasso"))
        document = json.loads(json.dumps(archive.document))
        tensors = dict(archive.tensors)
        labels = dict(archive.labels)
        change(document, tensors, labels)
        write_archive(path, Archive(labels, document, tensors))

    @pytest.mark.parametrize("name", CHANGES)
    def test_a_changed_model_is_refused(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / "m.safetensors"
        self.rewritten(path, CHANGES[name])
        with pytest.raises(ModelFileError, match=r"m\.safetensors: ") as caught:
            taut.load(path)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 400

    @pytest.mark.parametrize("name", WHOLE_FILES)
    def test_what_is_no_model_is_refused(
        self, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("m.safetensors").write_bytes(WHOLE_FILES[name])
        with pytest.raises(ModelFileError, match=r"m\.safetensors: ") as caught:
            taut.load("m.safetensors")
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 400
        assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]

    def test_a_huge_array_of_few_places_is_refused_before_it_is_made(self, tmp_path: Path) -> None:
        fit = fit_of("network")
        archive = to_archive(fit)
        archive.document["path"]["hidden"] = [1 << 20, 1 << 20]
        for k in range(3):
            archive.tensors.pop(f"path.weights.{k}", None)
            archive.tensors[f"path.weights.{k}.places"] = np.zeros(0, dtype=np.int64)
            archive.tensors[f"path.weights.{k}.values"] = np.zeros(0)
        write_archive(tmp_path / "m.safetensors", archive)
        with pytest.raises(ModelFileError, match="too large"):
            taut.load(tmp_path / "m.safetensors")

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
    def test_what_is_no_file_is_refused_without_waiting(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "m.safetensors")
        for place in (tmp_path / "m.safetensors", Path("/dev/zero")):
            with pytest.raises(ModelFileError, match="not a regular file"):
                taut.load(place)

    def test_there_are_many(self) -> None:
        assert len(CHANGES) + len(WHOLE_FILES) >= 80

    def test_loading_runs_imports_opens_and_connects_nothing(self, tmp_path: Path) -> None:
        """An audit hook sees every import, program, socket and open file while good and hostile files are loaded."""
        good = fit_of("network").save(tmp_path / "good.safetensors")
        for name, content in WHOLE_FILES.items():
            (tmp_path / f"{name}.safetensors").write_bytes(content)
        for name, change in CHANGES.items():
            self.rewritten(tmp_path / f"{name}.safetensors", change)
        done = subprocess.run(
            [sys.executable, "-c", WATCHED, str(good)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        assert done.stdout.splitlines()[-1] == f"{len(WHOLE_FILES) + len(CHANGES)} refused, 1 loaded"
        assert not (tmp_path / "exploded").exists()

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
