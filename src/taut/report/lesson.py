"""Lesson: the page on which a small network trains under a penalty, for a teacher to project."""

from __future__ import annotations

from string import Template

from taut.report.rendering import asset, joined, policy

STYLES = ("page.css", "lesson/lesson.css")
SCRIPTS = ("numbers.mjs", "drawing.mjs", "lesson/model.mjs", "lesson/pictures.mjs", "lesson/lesson.mjs")
"""In the order of their imports."""


def lesson_page() -> str:
    """The whole page: one file that asks nothing of any network."""
    style, script = "".join(map(asset, STYLES)), joined(SCRIPTS)
    return Template(asset("lesson/lesson.html")).substitute(
        policy=policy(style, script), style=style, script=script
    )
