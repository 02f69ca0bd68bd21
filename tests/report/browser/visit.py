"""A headless browser for the tests of pages: Debian's Chromium, driven by Playwright; nothing is downloaded."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@contextmanager
def running() -> Iterator[Any]:
    """The browser."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visit:
    """A page in a context of its own: what it asked for, what it said, and what went wrong in it."""

    def __init__(self, browser: Any, file: Path, **options: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.context.set_default_timeout(30_000)  # a limit for what hangs, not a measure
        self.page = self.context.new_page()
        self.protocol = self.context.new_cdp_session(self.page)
        self.protocol.send("Performance.enable")
        self.requests: list[str] = []
        self.faults: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda message: self.faults.append(message.text))
        self.page.on("dialog", lambda dialog: (self.faults.append(dialog.message), dialog.dismiss()))
        self.page.goto(file.as_uri())

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def text(self, selector: str) -> str:
        """The text of an element, its thin blanks taken out and its minus signs plain."""
        return plain(self.page.locator(selector).first.inner_text())

    def settle(self) -> None:
        """Wait until the frame after the next has been drawn."""
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
        )

    def move(self, index: int) -> None:
        """Move λ to a place on the path with the slider, as a hand would."""
        self.page.locator("#slider").evaluate(
            "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }", index
        )
        self.settle()

    def processor_seconds(self) -> float:
        """Of the page's own thread, so far."""
        measured = self.protocol.send("Performance.getMetrics")["metrics"]
        return next(float(entry["value"]) for entry in measured if entry["name"] == "ThreadTime")


def plain(text: str) -> str:
    """A text of the page as the terminal would write it."""
    return text.replace("\u202f", "").replace("\u2212", "-").strip()
