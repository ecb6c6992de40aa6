"""The page's modules by themselves: tests/e2e/modules/*.test.js, run in the browser that the page runs in."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Route

from tests.project import ROOT

MODULES = ROOT / "tests" / "e2e" / "modules"
ORIGIN = "http://console.test"  # no such host: every request is answered from the repository
RUN = """
async (file) => {
  const { tests } = await import(file);
  const failed = [];
  for (const [name, test] of Object.entries(tests)) {
    try { await test(); } catch (error) { failed.push(`${name}: ${error.message}`); }
  }
  return { count: Object.keys(tests).length, failed };
}
"""


def serve(route: Route) -> None:
    path = route.request.url.removeprefix(ORIGIN)
    folder = {"console": ROOT / "console", "modules": MODULES}.get(path.split("/")[1])
    file = folder / path.rsplit("/", 1)[1] if folder else None
    body = file.read_text() if file and file.is_file() else "<!doctype html>"
    route.fulfill(body=body, content_type="text/javascript" if file else "text/html")


@pytest.mark.parametrize("file", sorted(path.name for path in MODULES.glob("*.test.js")))
def test_module(file: str, open_context: Callable[..., BrowserContext]) -> None:
    context = open_context()
    context.route("**/*", serve)
    page = context.new_page()
    page.goto(f"{ORIGIN}/")
    result = page.evaluate(RUN, f"/modules/{file}")
    assert result["count"] > 0
    assert result["failed"] == []


def test_every_file_of_the_page_is_loaded_at_once_and_every_file_is_used() -> None:
    """index.html names every module, so that the browser asks for all of them at once instead of one after the
    other.
    """
    page = (ROOT / "console" / "index.html").read_text()
    files = {path.name for path in (ROOT / "console").iterdir() if path.suffix in {".js", ".css", ".svg"}}
    assert {name for name in files if f'"console/{name}"' in page} == files
