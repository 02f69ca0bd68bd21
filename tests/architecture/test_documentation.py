"""The documentation is true: its examples run, the code it quotes is the code, its links lead somewhere."""

from __future__ import annotations

import doctest
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from taut.cli import main
from taut.cli.outcome import Exit

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
EXAMPLES = ROOT / "examples"


def blocks(page: Path, language: str) -> list[str]:
    """The contents of the fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), flags=re.M | re.S)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own that holds the shipped examples, so that nothing is written into the checkout."""
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


NEEDS = {
    "pytorch.md": ("torch",),
    "optax.md": ("jax", "optax"),
    "keras.md": ("keras",),
    "my_network_overfits.md": ("torch", "keras"),
}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
@pytest.mark.usefixtures("workplace")
def test_the_examples_of_a_page_print_what_they_show(page: Path) -> None:
    for package in NEEDS.get(page.name, ()):
        pytest.importorskip(package, reason=f"{package} is not installed")
    outcome = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert outcome.failed == 0


def test_the_mathematics_page_has_examples() -> None:
    page = (ROOT / "docs" / "mathematics.md").read_text(encoding="utf-8")
    assert len(doctest.DocTestParser().get_examples(page)) > 40


def test_the_python_of_the_readme_runs(workplace: Path) -> None:
    (program,) = blocks(ROOT / "README.md", "python")
    assert sum(bool(line) for line in program.splitlines()) <= 10
    exec(compile(program, "README.md", "exec"), {"__name__": "__main__"})


@pytest.mark.usefixtures("workplace")
def test_the_tutorial_shows_what_the_terminal_prints() -> None:
    """The same words, and numbers within 2%: another processor may stop elsewhere within the tolerance."""
    (picture,) = blocks(ROOT / "docs/tutorial.md", "text")
    prompt, _, shown = picture.partition("\n")
    program = [sys.executable, "-c", "from taut.cli import main; main()", *shlex.split(prompt)[2:]]
    printed = subprocess.run(program, capture_output=True, text=True, encoding="utf-8", check=True).stdout
    assert words(printed) == words(shown)
    assert numbers(printed) == pytest.approx(numbers(shown), rel=0.02)


def test_the_readme_shows_lines_of_it_and_is_one_screen() -> None:
    (whole,), (part,) = (blocks(ROOT / page, "text") for page in ("docs/tutorial.md", "README.md"))
    assert [line for line in part.splitlines() if line not in whole.splitlines()] == []
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 65


VARIABLE = re.compile(r"\d+:\d\d:\d\d|worst gap \S+")  # the clock, and a gap that is anything below tol
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]\d+)?")


def words(text: str) -> list[str]:
    return NUMBER.sub("#", VARIABLE.sub("", text)).split()


def numbers(text: str) -> list[float]:
    return [float(found) for found in NUMBER.findall(VARIABLE.sub("", text))]


def test_the_readme_has_two_commands_of_one_line() -> None:
    commands = blocks(ROOT / "README.md", "sh")
    assert [len(command.splitlines()) for command in commands] == [1, 1]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_relative_links_exist(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


class TestTheCommandLinePage:
    PAGE = (ROOT / "docs" / "command_line.md").read_text(encoding="utf-8")

    def keys(self) -> set[str]:
        """The keys in the table of what --json prints."""
        table = self.PAGE.partition("| key | content |")[2].partition("\n\n")[0]
        return {key for row in table.splitlines()[2:] for key in re.findall(r"`(\w+)`", row.split("|")[1])}

    def test_it_names_every_key_of_the_json(self, workplace: Path) -> None:
        call = [
            "fit",
            str(workplace / "examples" / "student-por.csv"),
            "--target",
            "G3",
            "--lam",
            "0.3",
            "--json",
        ]
        fitted = json.loads(CliRunner().invoke(main, call).stdout)
        shown = json.loads(CliRunner().invoke(main, ["show", "student-por.taut", "--json"]).stdout)
        assert fitted.keys() | shown.keys() == self.keys()

    def test_it_names_every_command_and_exit_code(self) -> None:
        assert set(re.findall(r"^\| `taut (\w+)", self.PAGE, flags=re.M)) == set(main.commands)
        assert re.findall(r"^\| (\d+) \|", self.PAGE, flags=re.M) == [str(int(code)) for code in Exit]
