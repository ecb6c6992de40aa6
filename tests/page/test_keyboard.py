"""The keyboard alone does everything: what Tab comes to, what is seen of the focus, and each view's work by keys."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.fake_api import FakeApi, box
from tests.page.views import LABELLING, VERIFICATION, VIEWS

Open = Callable[..., Page]
MOST = 80  # elements of a view that Tab comes to
TABBED = ["sign-in", "jobs", "job", "many-classes", "labelling", "skip", "grid", "overview", "workflows", "attention"]

# What can be used and Tab has to come to: of a group of radio buttons, one.
USABLE = """() => [...(document.querySelector("dialog[open]") ?? document).querySelectorAll(
  "a[href], button, summary, input, textarea, [tabindex='0']")].filter(each => each.checkVisibility() && !each.disabled
  && each.tabIndex >= 0 && !each.matches(".skip-link")).length"""
FOCUSED = """() => {
  const element = document.activeElement;
  if (!element || element === document.body || element === document.documentElement) return null;
  element.dataset.visited ??= String(document.querySelectorAll("[data-visited]").length);
  const {outlineStyle, outlineWidth} = getComputedStyle(element);
  const {top, bottom, left, right} = element.getBoundingClientRect();
  const tile = element.matches(".grid") && getComputedStyle(element.querySelector(".tile.focused")).outlineStyle;
  return {
    id: element.dataset.visited,
    name: element.outerHTML.slice(0, 120),
    isMarked: (outlineStyle !== "none" && parseFloat(outlineWidth) >= 2) || tile === "solid",
    isInSight: bottom > 0 && right > 0 && top < innerHeight && left < innerWidth,
  };
}"""


def tabbed(page: Page) -> Iterator[dict[str, Any]]:
    """Each element that Tab comes to, once around."""
    seen: set[str] = set()
    for _ in range(MOST):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused is None:
            continue  # the browser's own buttons
        if focused["id"] in seen:
            return
        seen.add(focused["id"])
        yield focused
    pytest.fail(f"Tab does not come around within {MOST} steps")


@pytest.mark.parametrize("name", TABBED)
def test_tab_comes_to_everything_and_is_seen(name: str, api: FakeApi, open_page: Open) -> None:
    page = VIEWS[name].open(api, open_page)
    found = list(tabbed(page))
    assert [each["name"] for each in found if not (each["isMarked"] and each["isInSight"])] == []
    assert len([each for each in found if "skip-link" not in each["name"]]) == page.evaluate(USABLE)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def shown(page: Page, task: str) -> None:
    page.locator(f".work[data-shown={task}]").wait_for()


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the element with this name has the focus."""
    for _ in range(MOST):
        page.keyboard.press("Tab")
        focused = "() => document.activeElement.ariaLabel ?? document.activeElement.textContent"
        if str(page.evaluate(focused)).strip().startswith(name):
            return
    pytest.fail(f"Tab does not come to {name}")


def test_photos_are_labelled_by_keys(api: FakeApi, open_page: Open) -> None:
    page = open_page("#/jobs")
    page.locator(".card .button").first.wait_for()
    tab_to(page, "Label ")
    press(page, "Enter")
    shown(page, "t1")
    press(page, "d", "2", "ArrowLeft", "Shift+ArrowRight", "Enter")  # a box, its class, its place and size
    shown(page, "t2")
    press(page, "s")
    expect(page.get_by_role("dialog")).to_be_visible()
    press(page, "Escape")
    expect(page.locator(".stage")).to_be_focused()
    press(page, "s", "1")
    shown(page, "t3")
    press(page, "n")
    shown(page, "t4")
    press(page, "k", "k")
    shown(page, "t2")
    press(page, "d", "Delete", "n")
    page.locator("#waiting:empty").wait_for(state="attached")
    (drawn,) = api.answers["t1"]["annotations"]
    assert drawn["class_id"] == 1
    assert drawn["width"] == drawn["height"] + 1
    assert api.answers["t2"] == api.answers["t3"] == {"annotations": []}
    tab_to(page, "Sightline")
    press(page, "Enter")
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()


def test_labels_are_verified_by_keys(api: FakeApi, open_page: Open) -> None:
    page = open_page(VERIFICATION)
    shown(page, "t1")
    press(page, "Enter")
    shown(page, "t2")
    press(page, "x", "2")
    shown(page, "t3")
    press(page, "e", ".", "ArrowRight", "Enter")
    shown(page, "t4")
    press(page, "g")
    page.locator(".tile img").first.wait_for()
    page.wait_for_function("() => [...document.querySelectorAll('.tile img')].slice(0, 3).every(each => each.complete)")
    press(page, "ArrowRight", " ", "ArrowRight", " ", "a")
    expect(page.locator(".tile")).to_have_count(7)
    press(page, "g")
    expect(page.locator(".stage")).to_be_focused()
    page.locator("#waiting:empty").wait_for(state="attached")
    assert api.answers["t1"] == {"approved": True}
    assert api.answers["t2"] == {"approved": False, "reason": "A box shows no defect"}
    assert api.answers["t3"]["annotations"][0] == box(71, 50, 60, 40)
    assert api.answers["t5"] == api.answers["t6"] == {"approved": True}
    assert len(api.answers) == 5


def test_classes_are_chosen_with_the_arrows(api: FakeApi, open_page: Open) -> None:
    page = open_page(LABELLING)
    shown(page, "t1")
    press(page, "d")
    tab_to(page, "scratch")
    press(page, "ArrowRight", "ArrowRight", "ArrowLeft")
    expect(page.get_by_role("radio", name="dent")).to_be_focused()
    press(page, "Enter", "Enter")
    expect(page.get_by_role("listbox", name="Boxes").get_by_role("option")).to_contain_text("dent")


def test_an_engineer_decides_by_keys(api: FakeApi, open_page: Open) -> None:
    page = open_page("#/attention")
    page.locator(".card img").first.wait_for()
    tab_to(page, "Exclude")
    press(page, "Enter")
    expect(page.get_by_role("dialog").get_by_role("button", name="Exclude")).to_be_focused()
    press(page, "Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert "Exclude" in page.evaluate("() => document.activeElement.textContent")  # back where it was
    press(page, "Enter", "Enter")
    expect(page.locator(".toast", has_text="is excluded")).to_be_visible()
    assert [body for method, path, body in api.told if path == "/attention/i31"] == [{"action": "drop"}]
