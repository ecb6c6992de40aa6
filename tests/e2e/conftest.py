"""A headless Chromium and the real stack. SIGHTLINE_E2E_HOME names a folder whose stack is used and left running."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from local import stack
from scripts.chromium import ARGUMENTS, find_chromium
from tests.console_line import Line, sign_in

SLOW_MS = 30_000  # a machine under load, with functions that start cold
expect.set_options(timeout=SLOW_MS)


@pytest.fixture(scope="module")  # Playwright's event loop must not outlive its tests: no other could run in the process
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    kept = os.environ.get("SIGHTLINE_E2E_HOME")
    home = Path(kept) if kept else tmp_path_factory.mktemp("home")
    try:
        yield Line.start(home, tied=not kept)
    finally:
        if not kept:
            stack.down(home)


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
    assert wrong == []


@pytest.fixture
def signed_in(line: Line, open_context: Callable[..., BrowserContext]) -> Callable[..., Page]:
    """`signed_in("anna")` is a page of a browser of her own, where she has just signed in."""

    def open_page(name: str = "anna", *, engineer: bool = False, **options: Any) -> Page:
        page = open_context(**options).new_page()
        sign_in(page, line, name, engineer=engineer)
        return page

    return open_page
