"""Translations can come: whatever a view shows comes from the page's texts, or is data."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from tests.fake_api import ORIGIN, FakeApi
from tests.page.views import VIEWS
from tests.project import ROOT

READ = ["sign-in", "jobs", "no-jobs", "job", "labelling", "message", "skip", "keys", "class-search", "verification",
        "grid", "overview", "workflows", "empty-overview", "attention", "no-such-page"]  # fmt: skip
MARKED = """
const mark = (value) => {
  if (typeof value === "string") return value.trim() ? `⟦${value}⟧` : value;
  if (typeof value === "function") return (...given) => mark(value(...given));
  if (Array.isArray(value)) return value.map(mark);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, mark(each)]));
};
export const texts = mark(plain);
"""
# All that is read, or read out; keys have their own names.
SHOWN = """() => {
  const found = [document.title];
  for (const element of document.querySelectorAll("body, body *")) {
    for (const name of ["aria-label", "title", "alt", "placeholder", "aria-valuetext"]) {
      found.push(element.getAttribute(name));
    }
    if (element.matches("kbd, code, noscript, script") || element.closest("svg")) continue;
    for (const node of element.childNodes) if (node.nodeType === Node.TEXT_NODE) found.push(node.textContent);
  }
  return found.filter(Boolean);
}"""


def serve_marked(route: Route) -> None:
    """The texts, each in brackets."""
    plain = (ROOT / "console" / "texts.js").read_text()
    body = plain.replace("export const texts = {", "const plain = {") + MARKED
    route.fulfill(body=body, content_type="text/javascript")


def unmarked(text: str) -> str:
    """What is outside all brackets, which may be in each other."""
    while (less := re.sub(r"⟦[^⟦⟧]*⟧", "", text)) != text:
        text = less
    return text


def strings(value: Any) -> set[str]:
    """The strings in what the API has."""
    if isinstance(value, str):
        return {value, value.rsplit("/", 1)[-1]}
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return set().union(*map(strings, inner))


@pytest.mark.parametrize("name", READ)
def test_whatever_is_read_comes_from_the_texts(name: str, api: FakeApi, open_page: Callable[..., Page]) -> None:
    view = VIEWS[name]
    view.prepare(api)
    page = open_page("about:blank", user=view.user)
    page.context.route(f"{ORIGIN}/console/texts.js", serve_marked)
    page.goto(f"{ORIGIN}/{view.address}")
    view.act(page)
    page.locator(view.shown).first.wait_for()
    data = strings([api.jobs, *api.tasks.values(), api.attention, api.overview, api.classes])
    left = {unmarked(text) for text in page.evaluate(SHOWN)}
    for known in sorted({"Sightline", "anna", "bert", *data}, key=len, reverse=True):
        left = {text.replace(known, "") for text in left}
    left = {re.sub(r"\d* ?(minute|hour|day)s? ago", "", text) for text in left}  # as the browser says it
    assert {text for text in left if re.search(r"[^\W\d_]{2}", text)} == set()
