"""Delimited files as people export them: what is said of them decides, what they tell is found, the rest is asked."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import unicodedata
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import taut
from taut.cli import main
from taut.cli.outcome import write_out
from taut.design import DataError, Found, ReadingOptions, Wanted, read_table
from tests.data import data_path

N = 60
A, B = np.random.default_rng(3).normal(size=(2, N)).round(3)
KIND = np.array(["red", "green", "blue"])[np.arange(N) % 3]
BODY = "".join(f"{a},{k},{b}\n" for a, k, b in zip(A, KIND, B, strict=True))


def read(tmp_path: Path, text: str | bytes, **options: object) -> Found:
    (tmp_path / "d.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    return read_table(tmp_path / "d.csv", Wanted(options=ReadingOptions(**options)))


def columns(found: Found) -> dict[str, list[object]]:
    return {name: found.frame[name].to_list() for name in found.frame.columns}


PLAIN = {"a": A.tolist(), "k": KIND.tolist(), "b": B.tolist()}


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("a:k:b\n" + BODY.replace(",", ":"), {"delimiter": ":"}),
        ("junk\n\nmore, junk, here, and there\na,k,b\n" + BODY, {"skip_rows": 3}),
        ("x,y,z\n1,2,3\na,k,b\n" + BODY, {"header_line": 3}),
        ("% one\na,k,b\n% two\n" + BODY + "% three\n", {"comment": "%"}),
        ("a,k,b\n" + BODY.replace("red", "§red§").replace("green", "§green§"), {"quote": "§"}),
        (("ä,k,b\n" + BODY).encode("cp850").replace(b"\x84", b"a"), {"encoding": "cp850"}),
        ("a,k,b\n" + BODY.replace("red", '"red').replace("green", 'green"'), {"quote": "none"}),
    ],
)
def test_what_is_said_of_a_file_is_taken_as_said(
    text: str | bytes, options: dict[str, object], tmp_path: Path
) -> None:
    found = columns(read(tmp_path, text, **options))
    if options.get("quote") == "none":
        found["k"] = [str(k).strip('"') for k in found["k"]]
    assert found == PLAIN


class TestMissing:
    def test_a_sign_without_quotes_is_a_gap_and_with_quotes_text(self, tmp_path: Path) -> None:
        found = columns(read(tmp_path, 'g,x\n"NA",1\nNA,2\n"b",NA\n"c","NA"\n'))
        assert found["g"] == ["NA", None, "b", "c"]
        assert found["x"] == ["1", "2", None, "NA"]

    def test_in_columns_that_keep_it_na_is_a_value(self, tmp_path: Path) -> None:
        found = columns(read(tmp_path, "g,h,x\nNA,NA,1\nb,,2\n,c,NA\n", keep_na=("g",)))
        assert found == {"g": ["NA", "b", None], "h": [None, None, "c"], "x": [1, 2, None]}

    def test_further_signs_are_gaps_in_every_column(self, tmp_path: Path) -> None:
        found = columns(read(tmp_path, "g,x\nb,-999\nnot known,2\nc,3\n", na_values=("-999", "not known")))
        assert found == {"g": ["b", None, "c"], "x": [None, 2, 3]}

    def test_it_is_kept_with_the_fit(self, tmp_path: Path) -> None:
        region = np.array(["NA", "EU", "AP"])[np.arange(N) % 3]
        text = "a,region\n" + "".join(f"{a},{r}\n" for a, r in zip(A, region, strict=True))
        (tmp_path / "d.csv").write_text(text)
        fit = taut.fit(tmp_path / "d.csv", "region", lam=0.01, keep_na="region", na_values="-9")
        assert fit.classes == ("AP", "EU", "NA")
        fit.save(tmp_path / "m.taut")
        (tmp_path / "new.csv").write_text("a\n1.5\n-9\n")
        with pytest.warns(UserWarning, match="1 missing"):
            assert len(taut.load(tmp_path / "m.taut").predict(tmp_path / "new.csv")) == 2


class TestFaults:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("a,b\n1,2\n3,4,5\n6,7\n", "line 3 has 3 cells, the header has 2: '3,4,5'; correct that line"),
            ('a,b\n1,2\n"x"y,4\nz,"1,2"\n', "line 3: text follows a closing quote"),
            ('a,b\nx,2\n"open, and so on,4\ny,6\n', "line 3 has 3 cells, the header has 2"),
            ("# one\n\n# two\na,b\n1,2\n3,4,5\n6,7\n8,9\n", "line 6 has 3 cells"),
        ],
    )
    def test_one_line_is_named_by_its_number_and_text(self, text: str, words: str, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=words.replace("(", r"\(")):
            read(tmp_path, text)

    def test_prose_is_no_table(self, tmp_path: Path) -> None:
        text = "One sentence, and no more.\nWords without any sign\nat\nall.\n" * 9 + "And so, on, and on.\n"
        with pytest.raises(DataError, match=r"no table found|one column found"):
            read(tmp_path, text)

    def test_no_library_speaks(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        alphabet = list("a1,;\"'\n\t \\|.é#")
        said = [self.said(tmp_path, "a,b\n1,2\n" + "".join(rng.choice(alphabet, 60))) for _ in range(200)]
        inner = {"malformed", "schema", "polars", "truncate_ragged_lines"}
        assert [words for words in said if inner & {*words.lower().split()}] == []
        assert any(said)

    def said(self, tmp_path: Path, text: str) -> str:
        try:
            read(tmp_path, text)
        except DataError as error:
            return str(error)
        return ""


class TestEncodings:
    @pytest.mark.parametrize(
        ("encoding", "words"),
        [
            ("cp1250", ("Łódź śródmieście", "Źródło Gdańsk", "Šumava Žďár")),
            ("cp932", ("上海のお茶", "大阪の珈琲", "東京の抹茶")),
            ("big5", ("臺北的茶葉", "高雄的咖啡", "臺中的水果")),
            ("cp1252", ("Köln", "Genève", "Málaga")),
            ("utf-16-le", ("Köln", "Łódź", "上海")),
        ],
    )
    def test_words_tell_an_encoding(self, encoding: str, words: tuple[str, ...], tmp_path: Path) -> None:
        text = "a,k,b\n" + "".join(f"{a},{words[i % 3]},{i}\n" for i, a in enumerate(A))
        found = read(tmp_path, text.encode(encoding))
        assert set(found.frame["k"].to_list()) == set(words)
        assert found.source.encoding in (encoding, "windows-1252", "shift_jis")

    def test_what_the_bytes_do_not_tell_is_asked(self, tmp_path: Path) -> None:
        """Two bytes are a character of Japan, or two letters of Poland: the file does not say."""
        text = "".join(f"{a},{'上阪'[i % 2]},{i}\n" for i, a in enumerate(A))
        data = ("a,k,b\n" + text).encode("shift_jis")
        with pytest.raises(DataError, match=r"has no byte 0x8d.*--encoding"):
            read(tmp_path, data)
        assert set(read(tmp_path, data, encoding="shift_jis").frame["k"].to_list()) == {"上", "阪"}

    def test_a_byte_that_an_encoding_lacks_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"line 3 holds the byte 0xe9, which 'ascii' has not"):
            read(tmp_path, "a,b\n1,2\n3,é\n".encode("cp1252"), encoding="ascii")

    def test_decomposed_names_are_the_composed_ones(self, tmp_path: Path) -> None:
        text = "größe,b,y\n" + BODY.replace("red", "1").replace("green", "2").replace("blue", "3")
        (tmp_path / "c.csv").write_text(text)
        (tmp_path / "d.csv").write_text(unicodedata.normalize("NFD", text))
        fit = taut.fit(tmp_path / "c.csv", "y", lam=0.01)
        assert np.array_equal(fit.predict(tmp_path / "c.csv"), fit.predict(tmp_path / "d.csv"))

    def test_names_that_look_the_same_are_told_apart(self) -> None:
        fit = taut.fit({"größe": A, "y": A + B}, "y", lam=0.01)
        other = unicodedata.normalize("NFD", "größe")
        with pytest.raises(DataError, match=r"looks the same and is written with U\+0308"):
            fit.predict({other: A})

    def test_half_a_character_is_refused_where_it_is_read(self) -> None:
        pd = pytest.importorskip("pandas")
        cells = np.array(["caf\udce9", "tea"], dtype=object)[np.arange(N) % 2]
        with pytest.raises(DataError, match=r"column 'g', row 1: 'caf\\\\udce9' holds half a character"):
            taut.fit(pd.DataFrame({"g": pd.Series(cells, dtype=object), "y": B}), "y")
        with pytest.raises(DataError, match="half a character"):
            taut.fit({"g": cells.tolist(), "y": B}, "y")


class TestPipes:
    @pytest.fixture
    def model(self, tmp_path: Path) -> Path:
        (tmp_path / "d.csv").write_text("a,k,b\n" + BODY)
        return taut.fit(tmp_path / "d.csv", "b", lam=0.01).save(tmp_path / "m.taut")

    @pytest.mark.parametrize("rows", [40, 3000])
    def test_nothing_of_a_pipe_is_lost(self, rows: int, model: Path, tmp_path: Path) -> None:
        lines = [f"{i / 7:.15f},red\n" for i in range(rows)]
        (tmp_path / "new.csv").write_text("a,k\n" + "".join(lines))
        expected = taut.load(model).predict(tmp_path / "new.csv")
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        writer = threading.Thread(target=lambda: fifo.write_bytes((tmp_path / "new.csv").read_bytes()))
        writer.start()
        assert np.array_equal(taut.load(model).predict(fifo), expected)
        writer.join()

    def test_a_dash_is_standard_input(
        self, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        done = CliRunner().invoke(main, ["predict", str(model), "-"], input="a,k\n1.5,red\n2.5,blue\n")
        assert len(done.stdout.splitlines()) == 3
        done = CliRunner().invoke(main, ["fit", "-", "--target", "b", "--lam", "0.1"], input="a,k,b\n" + BODY)
        assert done.exit_code == 0, done.output
        assert "Read     stdin" in done.stdout
        assert Path("stdin.taut/model.safetensors").exists()

    def test_predict_leaves_its_input_and_strange_files_alone(self, model: Path, tmp_path: Path) -> None:
        data, out = tmp_path / "d.csv", tmp_path / "out.csv"
        before = data.read_bytes()
        for more in ([], ["--force"]):
            done = CliRunner().invoke(main, ["predict", str(model), str(data), "--out", str(data), *more])
            assert (done.exit_code, data.read_bytes()) == (2, before)
            assert "is the input" in done.stderr
        out.write_text("b\n3\n4\n")
        words = ["predict", str(model), str(data), "--out", str(out)]
        assert CliRunner().invoke(main, words).exit_code == 2
        assert out.read_text() == "b\n3\n4\n"
        assert CliRunner().invoke(main, [*words, "--force"]).exit_code == 0
        assert CliRunner().invoke(main, words).exit_code == 0  # its own predictions are no strange file

    def test_a_short_write_is_an_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Full(io.RawIOBase):
            """A disk that takes ten bytes at a time, and thirty in all."""

            held = b""

            def writable(self) -> bool:
                return True

            def write(self, data: object) -> int:
                part = bytes(data)[: min(10, 30 - len(self.held))]  # type: ignore[call-overload]
                self.held += part
                return len(part)

        disk = Full()
        stream = io.TextIOWrapper(disk, encoding="utf-8", write_through=True)  # type: ignore[arg-type]
        monkeypatch.setattr(sys, "stdout", stream)
        write_out("x" * 25)
        assert disk.held == b"x" * 25
        with pytest.raises(OSError, match="not all of the output"):
            write_out("x" * 25)

    def test_any_encoding_of_stdout_will_do(self, model: Path) -> None:
        code = "from taut.cli import main; main()"
        env = {**os.environ, "PYTHONIOENCODING": "cp1252"}
        done = subprocess.run(
            [sys.executable, "-c", code, "show", str(model)], capture_output=True, env=env, check=False
        )
        assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
        assert b"?" in done.stdout


class TestPredicting:
    FRAME = pl.DataFrame({"a": A, "b": B, "k": KIND, "y": 3 * A + 0.01 * B})

    def test_only_what_the_model_uses_is_needed(self) -> None:
        fit = taut.fit(self.FRAME, "y", lam=0.5, test_size=0)
        assert fit.coefficients().filter(pl.col("coef") != 0)["feature"].to_list() == ["a"]
        assert np.array_equal(fit.predict(self.FRAME.select("a")), fit.predict(self.FRAME))

    def test_a_model_that_uses_nothing_needs_nothing(self) -> None:
        fit = taut.fit(self.FRAME, "y", lam=1e9, test_size=0)
        with pytest.warns(UserWarning, match="ignored, not in training: z"):
            assert fit.predict(pl.DataFrame({"z": [1, 2]})).tolist() == [fit.intercept[0]] * 2

    def test_all_that_are_missing_are_named(self) -> None:
        fit = taut.fit(self.FRAME, "y", lam=0.0, test_size=0)
        with pytest.raises(DataError, match=r"the columns 'a' \(did you mean 'A'\?\), 'b', 'k' are missing"):
            fit.predict(pl.DataFrame({"A": A}))

    def test_the_same_fit_is_the_same_file(self, tmp_path: Path) -> None:
        files = [tmp_path / name / "model.safetensors" for name in ("1.taut", "2.taut")]
        fits = [taut.fit(self.FRAME, "y", cv=3, lambdas=5) for _ in files]
        for file, fit in zip(files, fits, strict=True):
            fit.save(file.parent)
        assert files[0].read_bytes() == files[1].read_bytes()
        assert taut.load(files[0].parent).seconds == pytest.approx(fits[0].seconds, abs=1e-3)
        fits[0].save(tmp_path / "bare.safetensors")
        assert np.isnan(taut.load(tmp_path / "bare.safetensors").seconds)


def test_sentences_behind_tabs_are_read() -> None:
    found = read_table(data_path("sms_spam", "SMSSpamCollection"))
    assert len(found.frame) == 5574
    assert set(found.frame["Label"].to_list()) == {"ham", "spam"}
    assert "quotes are part of the text" in found.source.notes
