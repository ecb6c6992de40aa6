"""A headless Chromium and the real stack. SIGHTLINE_E2E_HOME names a folder whose stack is used and left running."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from local import stack
from tests.browser import chromium, open_context
from tests.console_line import Line, sign_in

__all__ = ["chromium", "open_context"]


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
def signed_in(line: Line, open_context: Callable[..., BrowserContext]) -> Callable[..., Page]:
    """`signed_in("anna")` is a page of a browser of her own, where she has just signed in."""

    def open_page(name: str = "anna", *, engineer: bool = False, **options: Any) -> Page:
        page = open_context(**options).new_page()
        sign_in(page, line, name, engineer=engineer)
        return page

    return open_page
