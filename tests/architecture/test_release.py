"""A release says the same of itself everywhere, and is checked before it is tagged."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from taut.version import __version__

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
CHECK = "scripts/check_release.sh"


def said(key: str) -> str:
    """What the citation file says of ``key`` in one line."""
    (found,) = re.findall(rf"^{key}: (.+)$", CITATION, flags=re.M)
    return str(found)


def test_version_and_licence_are_the_same_everywhere() -> None:
    assert said("version") == PROJECT["version"] == __version__
    assert said("license") == PROJECT["license"]


def test_authors_and_keywords_are_the_same_everywhere() -> None:
    assert re.findall(r"^  - name: (.+)$", CITATION, flags=re.M) == [
        who["name"] for who in PROJECT["authors"]
    ]
    keywords = CITATION.partition("keywords:")[2]
    assert re.findall(r"^  - (.+)$", keywords, flags=re.M) == PROJECT["keywords"]


def test_the_address_is_written_in_one_place() -> None:
    address = PROJECT["urls"]["Repository"]
    assert {"Homepage", "Documentation", "Repository", "Issues", "Changelog"} == PROJECT["urls"].keys()
    assert all(url.startswith(address) for url in PROJECT["urls"].values())
    others = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "CITATION.cff", ROOT / "mkdocs.yml"]
    assert [file.name for file in others if address in file.read_text(encoding="utf-8")] == []


def test_every_change_runs_what_a_release_runs_before_its_upload() -> None:
    for place in (".ci/run", ".github/workflows/release.yml"):
        assert f"{CHECK}" in (ROOT / place).read_text(encoding="utf-8")
    assert (ROOT / CHECK).stat().st_mode & 0o111
    assert "twine upload" not in (ROOT / CHECK).read_text(encoding="utf-8")
