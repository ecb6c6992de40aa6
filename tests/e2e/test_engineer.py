"""What an engineer sees: the overview, and the images that need a decision."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.console_line import Line, answer, approve_all, open_work, photo, shown, verification

SignIn = Callable[..., Page]


def test_the_overview_shows_what_runs(line: Line, signed_in: SignIn) -> None:
    execution, job = line.open_job({"seen.jpg": photo(760)})
    page = signed_in("anna")
    page.get_by_role("listitem").filter(has_text=job).get_by_role("heading").get_by_role("link").click()
    expect(page.get_by_text("Nobody has answered yet.")).to_be_visible()
    page.get_by_role("link", name="Overview").click()
    page.get_by_text("Details: workflows and executions").click()
    drawn = page.get_by_role("img", name="Workflow label_images")
    expect(drawn).to_have_accessible_name(re.compile("OpenLabelingJob"))
    # Others may run beside it: an upload's own execution waits for its window.
    expect(drawn.locator(".current").filter(has_text="Open Labeling Job")).to_have_count(1)
    expect(page.get_by_role("row").filter(has_text=execution.rsplit(":", 1)[-1])).to_contain_text("running")
    open_work(page, job)
    shown(page)
    answer(page, "n")
    page.get_by_role("link", name="Jobs").first.click()
    approve_all(signed_in("bert"), verification(job))
    assert line.manifest(execution) == {"seen.jpg": []}


def test_a_skipped_image_comes_to_the_engineer_with_the_reason(line: Line, signed_in: SignIn) -> None:
    execution, job = line.open_job({"skipped.jpg": photo(720), "good.jpg": photo(721)})
    page = signed_in("anna")
    open_work(page, job)
    while name := shown(page):
        if name == "skipped.jpg":
            page.keyboard.press("s")
            answer(page, "1")
        else:
            answer(page, "n")
    approve_all(signed_in("bert"), verification(job))
    assert line.manifest(execution) == {"good.jpg": []}
    page.get_by_role("link", name="Attention").click()
    entry = page.get_by_role("listitem").filter(has_text="skipped.jpg")
    expect(entry).to_contain_text("The photo is blurred or too dark")
    expect(entry.get_by_role("button")).to_have_count(0)  # anna is no engineer
    engineer = signed_in("erik", engineer=True)
    engineer.get_by_role("link", name="Attention").click()
    engineer.get_by_role("button", name="Exclude: skipped.jpg").click()
    engineer.get_by_role("dialog").get_by_role("button", name="Exclude").click()
    expect(engineer.get_by_text("skipped.jpg is excluded.").first).to_be_attached()
    assert line.ledger()["skipped.jpg"] == "QUARANTINED"
