"""Help, completion and the look on a terminal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

import taut
from taut.cli import main
from tests.cli.calls import FEW, run

COMMANDS = ["fit", "predict", "report", "teach", "show", "compare", "moments", "add", "completion"]


def on_a_terminal(folder: Path, *arguments: str, columns: int = 100) -> str:
    """What the command shows on a terminal of so many columns."""
    import pty

    leader, follower = pty.openpty()
    call = [sys.executable, "-c", "from taut.cli import main; main()", *arguments]
    sizes = {**os.environ, "COLUMNS": str(columns)}
    process = subprocess.Popen(call, stdout=follower, stderr=follower, cwd=folder, env=sizes, close_fds=True)
    os.close(follower)
    shown = b""
    while True:
        try:
            chunk = os.read(leader, 4096)
        except OSError:  # Linux says so when the other end is closed
            break
        if not chunk:
            break
        shown += chunk
    assert process.wait() == 0
    return shown.decode()


class TestCompletion:
    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_there_is_a_script_for_each_shell(self, shell: str) -> None:
        script = run("completion", shell).stdout
        assert "_TAUT_COMPLETE" in script
        assert shell in script

    def complete(self, line: str) -> list[str]:
        words = line.split(" ")
        asked = {"_TAUT_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
        program = "from taut.cli import main; main(prog_name='taut')"
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | asked,
            capture_output=True,
            text=True,
            check=True,
        )
        return [found.partition(",")[2] for found in done.stdout.splitlines() if found]

    @pytest.mark.usefixtures("here")
    def test_commands_options_and_columns_are_completed(self) -> None:
        assert self.complete("taut co") == ["compare", "completion"]
        assert "--target" in self.complete("taut fit houses.csv --tar")
        assert self.complete("taut fit houses.csv --target pr") == ["price"]
        assert self.complete("taut fit houses.csv --drop x") == ["x1", "x2", "x3"]
        assert self.complete("taut fit nowhere.csv --target pr") == []


class TestHelp:
    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_has_an_example_and_explains_its_options(self, command: str) -> None:
        shown = run(command, "--help").stdout
        assert f"Example:  taut {command} " in shown
        unexplained = [
            parameter.name
            for parameter in main.commands[command].params
            if isinstance(parameter, click.Option) and parameter.name != "help" and not parameter.help
        ]
        assert unexplained == []

    def test_a_bare_call_shows_the_commands(self) -> None:
        result = run()
        assert result.exit_code == 2
        assert set(COMMANDS) <= set(result.output.split())

    def test_there_are_these_commands(self) -> None:
        assert sorted(main.commands) == sorted(COMMANDS)
        assert taut.__version__ in run("--version").stdout

    def test_help_starts_at_once(self) -> None:
        """Nothing heavy is imported until a command runs."""
        program = (
            "import sys\nfrom taut.cli import main\n"
            "try:\n    main(['fit', '--help'])\nexcept SystemExit:\n    pass\n"
            "print(*sorted({m.partition('.')[0] for m in sys.modules}))"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        heavy = {"numpy", "scipy", "sklearn", "polars", "narwhals", "numba", "rich", "safetensors"}
        assert heavy & set(done.stdout.splitlines()[-1].split()) == set()

    @pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals on Windows")
    def test_a_terminal_shows_a_progress_bar(self, here: Path) -> None:
        text = on_a_terminal(here, "fit", "houses.csv", "--target", "price", *FEW)
        assert "━" in text
        assert text.index("Model") < text.index("━") < text.index("Kept")

    @pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals on Windows")
    def test_text_is_wrapped_to_a_narrow_terminal(self, model: Path) -> None:
        shown = on_a_terminal(model.parent, "show", model.name, columns=60)
        lines = [re.sub("\x1b\\[[0-9;]*m", "", line) for line in shown.splitlines()]
        prose = lines[: next(i for i, line in enumerate(lines) if "%Dev" in line)]
        assert len(prose) > 5
        assert max(map(len, prose)) <= 60
        assert max(len(line) for line in run("show", str(model)).stdout.splitlines()) > 60

    @pytest.mark.slow
    @pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals on Windows")
    def test_only_labels_are_bold(self, model: Path) -> None:
        bold = "\x1b[1m"
        assert f"{bold}Kept " in on_a_terminal(model.parent, "show", model.name)
        for part in ("--columns", "--coefficients"):
            assert bold not in on_a_terminal(model.parent, "show", model.name, part)
