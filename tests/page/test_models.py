"""The overview: what each model is and what may be done with it, and devices that run what they must not."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.fake_api import FakeApi
from tests.page.views import VIEWS, WRONG

OpenPage = Callable[..., Page]


def row(page: Page, table: str, name: str) -> list[str]:
    """The texts of a row's cells."""
    found = page.get_by_role("region", name=table).get_by_role("row").filter(has_text=name)
    return found.get_by_role("cell").all_inner_texts()


def test_what_is_wrong_with_devices_comes_first_and_what_must_not_run_before_all(
    api: FakeApi, open_page: OpenPage
) -> None:
    page = VIEWS["overview-wrong"].open(api, open_page)
    told = page.get_by_role("list", name="Devices with a problem").get_by_role("listitem")
    assert told.all_inner_texts() == [WRONG, "line-2 is silent since 2026-11-30 10:00 UTC"]
    assert row(page, "Devices", "line-1")[2].split() == ["1.0.1", "rejected"]
    for thing in ("line-1", "line-2"):
        health = page.get_by_role("row").filter(has_text=thing).locator(".badge").last
        expect(health).to_have_text(re.compile("^silent since Nov 30, 2026"))
        assert "bad" in str(health.get_attribute("class"))
    assert row(page, "Devices", "line-3")[3] == "healthy"


def test_each_model_shows_its_state_and_what_may_be_done_with_it(api: FakeApi, open_page: OpenPage) -> None:
    page = VIEWS["overview-wrong"].open(api, open_page)
    shown = {}
    for version in range(1, 8):
        state, decision = (row(page, "Models", f"version {version}")[column] for column in (1, 6))
        shown[state] = decision.split("\n") if decision else []
    assert shown == {
        "candidate": ["Approve", "Reject …"],
        "approved": ["Approve", "Reject …"],
        "rolling out": [],
        "in service": [],
        "replaced": ["Approve", "Reject …"],
        "taken back": ["Approve"],
        "rejected": ["Approve"],
    }


def test_a_decision_names_what_it_hits_before_it_is_made(api: FakeApi, open_page: OpenPage) -> None:
    page = VIEWS["overview-wrong"].open(api, open_page)
    page.get_by_role("button", name="Approve version 7").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("rolled out to 3 devices in stages")
    expect(dialog).to_contain_text("It replaces version 4, which is in service.")
    dialog.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Reject version 6").click()
    expect(page.get_by_role("dialog")).to_contain_text("No device runs version 6.")
