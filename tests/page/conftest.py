"""The page in a headless Chromium, without a stack: a fake API answers."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser import chromium, open_context
from tests.fake_api import ORIGIN, SESSION, FakeApi, headers_of

__all__ = ["chromium", "open_context"]


@pytest.fixture
def api(load_app: Callable[..., ModuleType]) -> FakeApi:
    return FakeApi(headers=headers_of(load_app("serve_console", IMAGES_BUCKET="images")))


@dataclass
class Screen:
    """A size of the window, and how many pixels of the screen a pixel of the page has."""

    name: str
    width: int
    height: int
    zoom: int = 1
    touch: bool = False

    @property
    def options(self) -> dict[str, Any]:
        viewport = {"width": self.width // self.zoom, "height": self.height // self.zoom}
        return {"viewport": viewport, "device_scale_factor": self.zoom, "has_touch": self.touch}


SCREENS = [
    Screen("desk", 1440, 900),
    Screen("laptop", 1280, 720),
    Screen("tablet", 820, 1180, touch=True),
    Screen("phone", 390, 844, touch=True),
    Screen("zoomed", 1280, 720, zoom=2),
]


@pytest.fixture(params=SCREENS, ids=lambda screen: screen.name)
def screen(request: pytest.FixtureRequest) -> Screen:
    found: Screen = request.param
    return found


@pytest.fixture
def open_page(api: FakeApi, open_context: Callable[..., BrowserContext]) -> Callable[..., Page]:
    """`open_page("#/jobs")` is the page at an address, where anna, an engineer, is signed in."""

    def open_at(address: str = "", *, user: str | None = "anna", **options: Any) -> Page:
        context = open_context(**options)
        context.route("**/*", api.serve)
        if user:
            session = json.dumps({**SESSION, "username": user, "expires_at": 4_000_000_000_000})
            keep = f'sessionStorage.setItem("sightline:session", {json.dumps(session)})'
            context.add_init_script(f'if (location.origin === "{ORIGIN}") {keep}')
        page = context.new_page()
        page.goto(address if address == "about:blank" else f"{ORIGIN}/{address}")
        return page

    return open_at
