"""No view has a fault that axe-core finds, at any size, by day and by night.

The script runs by the debugger's protocol: the page's own policy would refuse it, and stays in force.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from scripts.check_page import MODULES, find_node, install
from tests.fake_api import FakeApi
from tests.page.conftest import SCREENS
from tests.page.views import VIEWS

# Colours are all that the night changes.
RUN = """async (isDark) => {
  const only = isDark ? {runOnly: ["color-contrast"]} : {};
  const found = await axe.run(document, {...only, preload: false, resultTypes: ["violations"]});
  return found.violations.flatMap(({id, nodes}) => nodes.map(({html, any}) =>
    `${id}: ${html.slice(0, 160)} ${any.map(({message}) => message).join(" ")}`));
}"""


@pytest.fixture(scope="module")
def axe() -> str:
    install(find_node())
    return (MODULES / "axe-core" / "axe.min.js").read_text()


def found_by_axe(page: Page) -> Iterator[str]:
    """What is wrong, at each size and by day and by night."""
    debugger = page.context.new_cdp_session(page)
    for screen in SCREENS:
        page.set_viewport_size(screen.options["viewport"])
        debugger.send("Emulation.setTouchEmulationEnabled", {"enabled": screen.touch})
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            for fault in page.evaluate(RUN, theme == "dark"):
                yield f"{screen.name}, {theme}: {fault}"


@pytest.mark.parametrize("name", VIEWS)
def test_axe_finds_nothing(name: str, axe: str, api: FakeApi, open_page: Callable[..., Page]) -> None:
    page = VIEWS[name].open(api, open_page)
    page.evaluate(axe)
    assert list(found_by_axe(page)) == []


def test_axe_would_find_a_fault(axe: str, open_page: Callable[..., Page]) -> None:
    page = open_page("#/jobs")
    page.locator(".card").first.wait_for()
    page.evaluate(axe)
    page.evaluate("() => document.querySelector('main').append(document.createElement('button'))")
    faults: list[Any] = page.evaluate(RUN, False)
    assert [fault for fault in faults if fault.startswith("button-name")]
