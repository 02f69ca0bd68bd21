"""The report: a story of plain words and numbers in, one self-contained HTML page out.

This package knows nothing of fits and paths, so that both can show themselves with it; ``taut.path.display`` and
``taut.tabular.reporting`` write the stories.
"""

from taut.report.framing import framed
from taut.report.packing import Series, packed_bytes, packed_numbers, packed_series, rounded
from taut.report.page import GENERATOR, page
from taut.report.story import Paragraph, Section, Story, Table, shown

__all__ = [
    "GENERATOR",
    "Paragraph",
    "Section",
    "Series",
    "Story",
    "Table",
    "framed",
    "packed_bytes",
    "packed_numbers",
    "packed_series",
    "page",
    "rounded",
    "shown",
]
