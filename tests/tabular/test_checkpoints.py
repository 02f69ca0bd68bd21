"""Checkpoints: a fit that was ended by force goes on to the same bits, whatever was torn, and only if it is the same fit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result

import taut
from taut import tabular
from taut.cli import main
from taut.solvers.base import StoredPart
from taut.solvers.moments.solver import GramPath
from taut.solvers.working_set.likelihood_fold import LikelihoodFold
from taut.tabular import checkpoint, prepare
from taut.tabular.checkpoint import key_of
from taut.tabular.options import Options
from taut.tabular.storing import to_archive
from tests.tables import features

CASES: dict[str, dict[str, Any]] = {
    "lasso": {"target": "price"},
    "moments": {"target": "price", "penalty": "l2"},
    "classes, member by member": {"target": "kind", "lambdas": 6, "early_stop": False},
    "classes, stopped early": {"target": "kind", "lambdas": 25},
    "groups, member by member": {"target": "price", "penalty": taut.GroupLasso(), "lambdas": 6, "early_stop": False},
    "groups, side by side": {"target": "price", "penalty": taut.GroupLasso(), "lambdas": 6},
    "wide, in step": {"target": "wide", "task": "regression", "lambdas": 20, "bootstrap": 3},
    "wide with two classes, in step": {"target": "wide", "task": "classification", "lambdas": 20},
    "no penalty at the end": {"target": "price", "lambdas": [1.0, 0.3, 0.0]},
    "network": {"target": "curved", "hidden": (4,), "max_epochs": 20, "lambdas": 5, "fallback": "never"},
    "network in NumPy steps": {
        "target": "curved", "hidden": (2,), "max_epochs": 3, "lambdas": 3, "cv": 2, "fallback": "never", "penalty": taut.GroupLasso(),
    },
    "network and its rival": {"target": "sold", "hidden": (3, 2), "max_epochs": 2, "lambdas": 4, "final": "average"},
}  # fmt: skip


@pytest.fixture(autouse=True)
def _write_every_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "SECONDS", 0.0)
    monkeypatch.setattr(checkpoint.CheckpointFolder, "due", lambda self: True)


def data(target: str) -> pl.DataFrame:
    """The table of the other tests; "curved" is a target that a linear model can not follow, "wide" has 400 columns."""
    if target == "wide":
        X = np.random.default_rng(8).standard_normal((90, 400))
        return pl.DataFrame(
            {f"x{j}": x for j, x in enumerate(X.T)} | {"wide": (X[:, :5].sum(axis=1) > 0) * 1.0}
        )
    if target != "curved":
        return features(target)
    bend = 4 * pl.col("x1").abs() - 3 * (pl.col("x2") / 1000).cos()
    return features("price").select("x1", "x2", "town", curved=bend + pl.col("price") / 100)


def fit(case: str, **more: Any) -> taut.Fit:
    options = {"cv": 3, **CASES[case], **more}
    return taut.fit(data(options["target"]), **options)


def bits(found: taut.Fit) -> dict[str, bytes]:
    tensors = dict(to_archive(found).tensors)
    tensors["spread.numbers"] = tensors["spread.numbers"][:2]  # the third is the time it took
    return {name: np.ascontiguousarray(value).tobytes() for name, value in tensors.items()}


class Count:
    """How many pairs are finished in all."""

    total = 0

    def __call__(self, count: int) -> None:
        self.total += count


class Interrupt:
    """Ctrl-C after so many finished pairs."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise KeyboardInterrupt


def interrupted(case: str, folder: Path, after: int) -> bool:
    try:
        return fit(case, checkpoint=folder, progress=Interrupt(after)).path.interrupted
    except KeyboardInterrupt:
        return True


@pytest.mark.sampled(4)
@pytest.mark.parametrize("case", CASES)
def test_an_interrupted_fit_goes_on_to_the_same_bits(case: str, tmp_path: Path) -> None:
    expected, folder = bits(fit(case)), tmp_path / "c"
    stops = [after for after in (0, 3, 7, 8, 12, 24, 33) if interrupted(case, folder, after)]
    assert 0 in stops
    assert bits(fit(case, checkpoint=folder)) == expected
    assert not folder.exists()


@pytest.mark.parametrize("case", ["network", "classes, member by member"])
def test_what_was_kept_is_not_fitted_again(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "c"
    interrupted(case, folder, 29)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.shutil, "rmtree", lambda folder: None)
        fit(case, checkpoint=folder)
    kept = sorted(place.name for place in folder.iterdir())

    def fails(*_: Any) -> None:
        raise AssertionError("fitted again")

    monkeypatch.setattr("taut.path.network_training.MemberTraining.reach", fails)
    monkeypatch.setattr("taut.solvers.problem.path_solver.PathEngine._together", fails)
    assert bits(fit(case, checkpoint=folder)) == bits_without(monkeypatch, case)
    assert len(kept) > 3


def bits_without(monkeypatch: pytest.MonkeyPatch, case: str) -> dict[str, bytes]:
    monkeypatch.undo()
    return bits(fit(case))


def test_of_one_set_of_moments_the_folds_that_are_done_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, solved = bits(fit("lasso")), Count()
    assert interrupted(
        "lasso", tmp_path / "c", 250
    )  # two of four members, of 100 strengths each, and half of the third
    solve = GramPath._solve

    def counted(*arguments: Any) -> Any:
        solved(1)
        return solve(*arguments)

    monkeypatch.setattr(GramPath, "_solve", counted)
    shown = Count()
    assert bits(fit("lasso", checkpoint=tmp_path / "c", progress=shown)) == expected
    assert solved.total == 3  # two folds, and the unpenalised rival
    assert shown.total == 400


def test_of_members_in_step_the_rounds_that_are_done_are_not_walked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, seen = "wide with two classes, in step", Count()
    expected = bits(fit(case))
    assert interrupted(case, tmp_path / "c", 50)
    solve = LikelihoodFold.solve

    def counted(self: LikelihoodFold, lambdas: Any, *more: Any) -> Any:
        seen(len(lambdas))
        return solve(self, lambdas, *more)

    monkeypatch.setattr(LikelihoodFold, "solve", counted)
    shown = Count()
    assert bits(fit(case, checkpoint=tmp_path / "c", progress=shown)) == expected
    assert seen.total < 80 - 40
    assert shown.total == 80


def test_a_large_state_is_written_as_seldom_as_it_is_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    now = [100.0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now[0])
    write = checkpoint._write

    def slow(*arguments: Any) -> None:
        write(*arguments)
        now[0] += 2.0

    monkeypatch.setattr(checkpoint, "_write", slow)
    with checkpoint.CheckpointFolder(tmp_path / "c", "k") as store:
        assert not store.due()
        now[0] += 5.0
        assert store.due()
        store.renew("state", StoredPart({}, {}))
        now[0] += 39.0
        assert not store.due()
        now[0] += 1.0
        assert store.due()
        store.forget("state")
        now[0] -= 40.0
        store.keep("all", StoredPart({}, {}))
        assert [place.name for place in sorted((tmp_path / "c").glob("*.safetensors"))] == [
            "state-state.safetensors"  # goes with the next write: what it led to is on disk only then
        ]
    assert not (tmp_path / "c" / "state-state.safetensors").exists()


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "gone", "swap"])
def test_a_torn_file_is_as_good_as_absent(damage: str, tmp_path: Path) -> None:
    folder = tmp_path / "c"
    interrupted("network", folder, 31)
    files = sorted(folder.glob("*.safetensors"))
    assert len(files) > 8
    for file in files[1::2]:
        content = bytearray(file.read_bytes())
        if damage == "flip":
            content[-9] ^= 1
        if damage == "gone":
            file.unlink()
        else:
            file.write_bytes(
                {"cut": content[:-7], "empty": b"", "swap": files[0].read_bytes()}.get(damage, content)
            )
    assert bits(fit("network", checkpoint=folder)) == bits(fit("network"))


def test_new_chunks_never_take_the_place_of_old_ones(tmp_path: Path) -> None:
    """Also where some of the old ones are gone, or belong to another fit."""
    folder = tmp_path / "c"
    interrupted("network", folder, 32)
    files = sorted(folder.glob("chunk-*"))
    files[1].unlink()
    files[2].write_bytes(b"torn")
    before = {file.name: file.read_bytes() for file in files if file not in files[1:3]}
    interrupted("network", folder, 35)
    after = {file.name: file.read_bytes() for file in folder.glob("chunk-*")}
    assert before.items() <= after.items()
    assert files[2].name not in after
    assert len(after) > len(before)


def test_another_fit_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    interrupted("network", folder, 24)
    for change in ({"seed": 1}, {"lambdas": 4}, {"target": "sold"}):
        with pytest.raises(ValueError, match="unfinished fit of other data, options or version"):
            fit("network", checkpoint=folder, **change)


def test_other_rows_under_the_same_options_are_another_fit(tmp_path: Path) -> None:
    interrupted("network", tmp_path, 24)
    options = {**CASES["network"], "cv": 3}
    with pytest.raises(ValueError, match="unfinished fit"):
        taut.fit(data("curved").head(80), checkpoint=tmp_path, **options)


def test_other_offsets_of_the_same_rows_are_another_fit() -> None:
    frame = features("price")
    keys = [
        key_of(prepare(frame.with_columns(shift=pl.Series(shift)), Options.of("price", offset="shift")))
        for shift in (np.zeros(len(frame)), np.zeros(len(frame)), np.ones(len(frame)))
    ]
    assert keys[0] == keys[1] != keys[2]


class TestCommand:
    OPTIONS = ("--target", "price", "--hidden", "3", "--cv", "2")

    @pytest.fixture
    def here(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(tmp_path)
        features("price").write_csv("d.csv")
        monkeypatch.setattr("taut.solvers.networks.settings.Training.epochs", lambda self, first: 1)
        return tmp_path

    def run(self, *more: str, stop_after: int | None = None) -> Result:
        real = tabular.fit_prepared
        with pytest.MonkeyPatch.context() as patch:
            if stop_after is not None:
                patch.setattr(
                    tabular,
                    "fit_prepared",
                    lambda prepared, _, store: real(prepared, Interrupt(stop_after), store),
                )
            return CliRunner().invoke(main, ["fit", "d.csv", *self.OPTIONS, *more])

    def test_ctrl_c_says_how_to_go_on_and_the_same_command_does(self, here: Path) -> None:
        stopped = self.run(stop_after=100)
        assert stopped.exit_code == 130
        assert stopped.stderr == (
            "taut: interrupted; what is finished is kept in d.taut/checkpoint/: the same command goes on from there\n"
        )
        assert [p.name for p in (here / "d.taut").iterdir()] == ["checkpoint"]
        again = self.run()
        assert again.exit_code == 0
        assert "Resumed" in again.stdout
        assert sorted(p.name for p in (here / "d.taut").iterdir()) == [
            "model.safetensors",
            "path.csv",
            "run.json",
        ]
        fresh = self.run("--out", "fresh.taut")
        assert "Resumed" not in fresh.stdout
        assert bits(taut.load(here / "d.taut")) == bits(taut.load(here / "fresh.taut"))

    def test_other_options_need_force(self, here: Path) -> None:
        self.run(stop_after=100)
        refused = self.run("--seed", "1")
        assert refused.exit_code == 2
        assert "an unfinished fit of other data or options; --force" in refused.stderr
        forced = self.run("--seed", "1", "--force")
        assert forced.exit_code == 0
        assert "Resumed" not in forced.stdout
        assert taut.load(here / "d.taut").setting.options.seed == 1

    def test_a_folder_that_was_cut_off_before_its_first_file_is_free(self, here: Path) -> None:
        (here / "d.taut" / "checkpoint").mkdir(parents=True)
        (here / "d.taut" / "checkpoint" / ".key.json.0123456789abcdef").write_text('{"ke')
        assert self.run().exit_code == 0
        assert not (here / "d.taut" / "checkpoint").exists()

    def test_a_finished_fit_takes_what_was_left_of_its_checkpoint_along(self, here: Path) -> None:
        assert self.run(stop_after=130).exit_code == 130
        kept = here / "kept"
        shutil.copytree(here / "d.taut" / "checkpoint", kept)
        assert self.run().exit_code == 0
        for gone in ((), ("key.json",)):  # killed before, or while the folder was removed
            shutil.copytree(kept, here / "d.taut" / "checkpoint")
            for name in gone:
                (here / "d.taut" / "checkpoint" / name).unlink()
            assert "nothing was fitted" in self.run().stdout
            assert sorted(p.name for p in (here / "d.taut").iterdir()) == [
                "model.safetensors",
                "path.csv",
                "run.json",
            ]

    def test_the_record_is_the_last_to_come(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A fit that is written over is never taken for the new one, nor the new one for it."""
        assert self.run().exit_code == 0
        before = json.loads((here / "d.taut" / "run.json").read_text())["key"]

        def stops(*_: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("taut.tabular.storing.csv_text", stops)
        assert self.run("--seed", "1", "--force").exit_code == 130
        monkeypatch.undo()
        monkeypatch.chdir(here)
        assert not (here / "d.taut" / "run.json").exists()
        assert self.run("--seed", "1").exit_code == 0
        assert json.loads((here / "d.taut" / "run.json").read_text())["key"] != before
