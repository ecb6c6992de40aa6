"""What is seen of each view at each size of the window."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from playwright.sync_api import FloatRect, Page, expect

from tests.fake_api import HEIGHT, WIDTH, FakeApi, box, task
from tests.page.conftest import Screen
from tests.page.views import LABELLING, MANY, VERIFICATION, many_classes

Open = Callable[..., Page]
LEAST = {"width": 240, "height": 180}  # pixels of a stage on which a defect can be seen and drawn


def place(page: Page, selector: str) -> FloatRect:
    found = page.locator(selector).bounding_box()
    assert found, selector
    return found


def test_photo_and_boxes_have_room_at_each_size(api: FakeApi, open_page: Open, screen: Screen) -> None:
    many_classes(api)
    page = open_page(LABELLING, **screen.options)
    page.locator(".work[data-shown]").wait_for()
    stage, boxes = place(page, ".stage"), place(page, ".boxes")
    row = place(page, ".boxes li >> nth=0")["height"]
    assert stage["width"] >= LEAST["width"] and stage["height"] >= LEAST["height"], stage
    assert stage["y"] + stage["height"] <= screen.options["viewport"]["height"]
    assert boxes["height"] >= 2.5 * row, (boxes, row)
    parts = [place(page, f".panel section >> nth={number}") for number in range(3)]
    for one, other in pairwise(sorted(parts, key=lambda part: (part["x"], part["y"]))):
        assert other["x"] >= one["x"] + one["width"] or other["y"] >= one["y"] + one["height"], (one, other)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_the_grid_shows_photos_as_they_are_at_each_size(open_page: Open, screen: Screen) -> None:
    page = open_page(VERIFICATION, **screen.options)
    page.locator(".work[data-shown]").wait_for()
    page.keyboard.press("g")
    page.locator(".tile img").first.wait_for()
    photo = place(page, ".tile-photo >> nth=0")
    assert abs(photo["width"] / photo["height"] - WIDTH / HEIGHT) < 0.03, photo
    assert photo["width"] >= 140
    assert place(page, ".grid")["height"] >= LEAST["height"]


def test_the_overview_begins_at_its_heading(open_page: Open, screen: Screen) -> None:
    page = open_page("#/overview", **screen.options)
    page.locator(".needs li").first.wait_for()
    expect(page.get_by_role("heading", name="Overview")).to_be_in_viewport()
    assert page.evaluate("() => scrollY") == 0
    page.locator("summary").focus()
    before = page.evaluate("() => scrollY")
    page.keyboard.press("Enter")
    page.locator(".graph .current").wait_for()
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("() => scrollY") == before
    frame, current = place(page, ".graph-frame"), place(page, ".graph .current")
    assert frame["y"] <= current["y"] <= frame["y"] + frame["height"]


def test_a_key_answers_no_photo_that_is_out_of_sight(api: FakeApi, open_page: Open) -> None:
    page = open_page(LABELLING, viewport={"width": 360, "height": 220})
    page.locator(".work[data-shown]").wait_for()
    page.locator(".work").evaluate("work => work.scrollTo(0, work.scrollHeight)")
    expect(page.locator(".stage")).not_to_be_in_viewport(ratio=0.5)
    page.keyboard.press("n")
    expect(page.locator(".toast", has_text="out of sight")).to_be_visible()
    expect(page.locator(".stage")).to_be_in_viewport(ratio=0.5)
    assert api.answers == {}
    page.keyboard.press("n")
    expect(page.locator(".work[data-shown=t2]")).to_be_visible()
    assert api.answers == {"t1": {"annotations": []}}


def test_select_all_takes_only_what_was_on_the_screen(api: FakeApi, open_page: Open) -> None:
    page = open_page(VERIFICATION, viewport={"width": 640, "height": 420})
    page.locator(".work[data-shown]").wait_for()
    page.keyboard.press("g")
    page.locator(".tile img").first.wait_for()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.tile img')].slice(0, 2).every(photo => photo.complete)"
    )
    page.keyboard.press("Shift+A")
    selected = page.locator(".tile[aria-selected=true]").count()
    assert 0 < selected < len(api.tasks["verification"])
    page.keyboard.press("a")
    page.wait_for_function("tiles => document.querySelectorAll('.tile').length === tiles", arg=12 - selected)
    page.locator("#waiting:empty").wait_for(state="attached")  # a tile goes before its answer is sent
    assert len(api.answers) == selected


def test_a_photo_of_any_height_is_seen_whole_in_the_grid(api: FakeApi, open_page: Open) -> None:
    api.tasks["verification"] = [task(1, width=2_048, height=30_000, annotations=[box(1_200, 24_000, 600, 3_000)])]
    page = open_page(VERIFICATION)
    page.locator(".work[data-shown]").wait_for()
    page.keyboard.press("g")
    expect(page.locator(".tile")).to_be_in_viewport(ratio=1)


def test_the_first_sign_in_is_no_error(api: FakeApi, open_page: Open) -> None:
    api.first_sign_in = True
    page = open_page(user=None)
    page.get_by_label("User name").fill("anna")
    page.get_by_label("Password").fill("given")
    page.keyboard.press("Enter")
    expect(page.get_by_label("New password")).to_be_focused()
    expect(page.get_by_role("status").filter(has_text="first sign-in")).to_be_visible()
    expect(page.get_by_role("alert").filter(has_text="first")).to_have_count(0)
    page.keyboard.type("Of-Her-Own-12")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()


def test_what_was_said_of_a_photo_is_gone_with_it(open_page: Open) -> None:
    page = open_page(LABELLING)
    page.locator(".work[data-shown=t1]").wait_for()
    page.keyboard.press("Enter")
    expect(page.locator(".toast", has_text="There is no box.")).to_be_visible()
    page.keyboard.press("n")
    page.locator(".work[data-shown=t2]").wait_for()
    assert page.locator(".toast").count() == 0


def test_an_unknown_address_is_said_to_be_unknown(open_page: Open) -> None:
    page = open_page("#/unknown")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    expect(page.get_by_text("#/unknown")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    for address in ("#/jobs/x/y", "#/overview/x", "#/jobs/x/work/y", "#/constructor"):
        page.evaluate("address => { location.hash = address }", address)
        expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
        expect(page.get_by_text(address)).to_be_visible()


def test_a_class_beyond_the_number_keys_is_found_by_typing(api: FakeApi, open_page: Open) -> None:
    many_classes(api)
    api.tasks["labeling"] = [task(1, annotations=[box(20, 20, 40, 40)]), task(2)]
    page = open_page(LABELLING)
    page.locator(".work[data-shown=t1]").wait_for()
    page.keyboard.press(".")
    page.keyboard.press("f")
    expect(page.get_by_role("combobox", name="Search a class")).to_be_focused()
    page.keyboard.type("is")
    expect(page.get_by_role("dialog").get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.get_by_role("listbox", name="Boxes").get_by_role("option")).to_contain_text("missing part")
    page.keyboard.press("Enter")
    page.locator(".work[data-shown=t2]").wait_for()
    answered: dict[str, Any] = {"annotations": [box(20, 20, 40, 40, MANY.index("missing part"))]}
    assert api.answers == {"t1": answered}
