"""The overview answers what needs the person who looks, each one click away; the navigation counts it."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.fake_api import FakeApi, execution
from tests.page.views import empty

Open = Callable[..., Page]
NEEDS = [
    "18 images to label", "30 labels to verify", "1 model to approve or reject",
    "3 images that people could not settle",
]  # fmt: skip


def test_the_overview_says_first_what_needs_you(open_page: Open) -> None:
    page = open_page("#/overview")
    needs = page.get_by_role("list", name="Needs you").get_by_role("link")
    expect(needs).to_have_count(1 + len(NEEDS))
    failed, *others = needs.all_inner_texts()
    assert failed.startswith("Training failed: CapacityError: No ml.g5.xlarge is free (")
    assert others == NEEDS
    navigation = page.get_by_role("navigation", name="Pages")
    expect(navigation.get_by_role("link", name="Jobs")).to_have_text("Jobs48 waiting for you")
    expect(navigation.get_by_role("link", name="Attention")).to_have_text("Attention2 waiting for you")


def test_each_need_is_one_click_away(open_page: Open) -> None:
    page = open_page("#/overview")
    page.get_by_role("link", name="Training failed").click()
    expect(page.get_by_role("row").filter(has_text="CapacityError")).to_be_in_viewport()
    page.get_by_role("link", name="to approve or reject").click()
    expect(page.get_by_role("heading", name="Models")).to_be_focused()
    page.get_by_role("link", name="could not settle").click()
    expect(page.get_by_role("heading", name="Needs an engineer")).to_be_visible()


def test_nothing_needs_who_has_nothing_to_do(api: FakeApi, open_page: Open) -> None:
    empty(api)
    newer, older = execution("train_model", "SUCCEEDED", None), execution("train_model", "FAILED", "TrainModel")
    api.overview["executions"] = [newer, older]  # the newer one went well
    page = open_page("#/overview")
    expect(page.get_by_text("Nothing needs you.")).to_be_visible()
