"""A headless Chromium for tests, and windows in which nothing may go wrong unseen."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from scripts.chromium import ARGUMENTS, find_chromium

SLOW_MS = 30_000  # a machine under load, with functions that start cold
expect.set_options(timeout=SLOW_MS)


@pytest.fixture(scope="module")  # Playwright's event loop must not outlive its tests: no other could run in the process
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_context(chromium: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """`open_context()` is a browser of its own, with its own storage. An error in a page, a dialog or a refused script
    fails the test."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def open_one(**options: Any) -> BrowserContext:
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        context.set_default_timeout(SLOW_MS)
        context.on("weberror", lambda error: wrong.append(str(error.error)))
        context.on("dialog", lambda dialog: (wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        context.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
        contexts.append(context)
        return context

    yield open_one
    for context in contexts:
        context.close()
    assert wrong == [], wrong
