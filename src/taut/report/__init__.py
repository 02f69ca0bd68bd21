"""The report: plain words and numbers in, one self-contained HTML page out.

This package knows nothing of fits and paths, so that both can show themselves with it; ``taut.path.display`` and
``taut.tabular.words.page`` write the stories.
"""

from taut.report.content import Curves, Histogram, Paragraph, ReportContent, ReportTable, Section, shown
from taut.report.framing import framed
from taut.report.lesson import lesson_page
from taut.report.packing import Series, packed_bytes, packed_numbers, packed_series, rounded
from taut.report.rendering import GENERATOR, page

__all__ = [
    "GENERATOR",
    "Curves",
    "Histogram",
    "Paragraph",
    "ReportContent",
    "ReportTable",
    "Section",
    "Series",
    "framed",
    "lesson_page",
    "packed_bytes",
    "packed_numbers",
    "packed_series",
    "page",
    "rounded",
    "shown",
]
