"""The gallery shows the commands of its list, each with a small picture."""

from __future__ import annotations

import re
from pathlib import Path

from scripts.make_gallery import GALLERY, ROOT


def test_the_page_has_every_table_and_its_command() -> None:
    page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    assert len({table.file for table in GALLERY}) >= 10
    assert re.findall(r"^## (.+)$", page, re.M) == [table.name for table in GALLERY]
    for table in GALLERY:
        assert f"{Path(table.file).name} {table.options}\n" in page
        assert table.source in page
    for picture in re.findall(r"\((images/gallery/\w+\.svg)\)", page):
        assert (ROOT / "docs" / picture).stat().st_size < 20_000
