"""Every view of the page, with something in it: how a test comes to each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

from tests.fake_api import FakeApi, box, device, job, model, task

JOB = f"#/jobs/{job()['job_id']}"
LABELLING = f"{JOB}/work"
VERIFICATION = f"#/jobs/{job('verification')['job_id']}/work"
MANY = ["scratch", "dent", "spot", "crack", "burr", "hole", "stain", "chip", "bubble", "rust", "fold", "missing part"]


def nothing(_: object) -> None:
    """What most views need."""


def many_classes(api: FakeApi) -> None:
    """More classes than number keys, each with a box."""
    api.jobs[0] = job(classes=MANY)
    boxes = [box(20 + 30 * number, 20 + 20 * number, 40, 40, number) for number in range(len(MANY))]
    api.tasks["labeling"] = [task(1, annotations=boxes), task(2)]


def proposals(api: FakeApi) -> None:
    """A photo that came back, with boxes of the model to decide."""
    found = [{**box(60, 60, 50, 50), "score": 0.9}, {**box(200, 100, 70, 50, 1), "score": 0.6}]
    api.tasks["labeling"] = [task(1, rejection="A defect has no box", proposals=found), task(2)]


def empty(api: FakeApi) -> None:
    """A stack without anything, whose training image could not be built."""
    api.jobs, api.attention = [], []
    api.overview = {
        "images": {}, "executions": [], "models": [], "devices": [],
        "image_problem": "The training image could not be built: no space left.",
    }  # fmt: skip


WRONG = "line-1 runs model 1, which is rejected; it is silent since 2026-11-30 10:00 UTC"


def wrong_devices(api: FakeApi) -> None:
    """A device that runs a rejected model and is silent, one that is only silent, and one that is well."""
    wrong = {"model": "1.0.1", "model_state": "rejected", "wrong": True, "silent": True, "problem": WRONG}
    silent = {"silent": True, "problem": "line-2 is silent since 2026-11-30 10:00 UTC"}
    states = ["candidate", "approved", "rolling out", "in service", "replaced", "taken back", "rejected"]
    api.overview["models"] = [model(7 - number, state, 0.9) for number, state in enumerate(states)]
    api.overview["devices"] = [
        device("line-2", healthy=None, **silent), device("line-1", healthy=False, **wrong), device("line-3"),
    ]  # fmt: skip


def photo(page: Page) -> None:
    page.locator(".work[data-shown]").wait_for()


def keys(*pressed: str) -> Callable[[Page], None]:
    """Press these on the first photo."""

    def press(page: Page) -> None:
        photo(page)
        for key in pressed:
            page.keyboard.press(key)

    return press


@dataclass
class View:
    """A view: its address, what the API has, what is done there, and what is shown then."""

    address: str
    shown: str
    prepare: Callable[[FakeApi], None] = nothing
    act: Callable[[Page], None] = nothing
    user: str | None = "anna"

    def open(self, api: FakeApi, open_page: Callable[..., Page], **options: Any) -> Page:
        self.prepare(api)
        page = open_page(self.address, user=self.user, **options)
        self.act(page)
        page.locator(self.shown).first.wait_for()
        return page


VIEWS = {
    "sign-in": View("", "#password", user=None),
    "jobs": View("#/jobs", ".card .button"),
    "no-jobs": View("#/jobs", ".empty-state", empty),
    "job": View(JOB, ".tiles"),
    "labelling": View(LABELLING, ".boxes li", proposals, keys(".")),
    "many-classes": View(LABELLING, ".boxes li", many_classes, keys(".")),
    "message": View(LABELLING, ".toast", act=keys("Enter")),
    "skip": View(LABELLING, "dialog .reasons", act=keys("s")),
    "keys": View(LABELLING, "dialog .keys", act=keys("?")),
    "class-search": View(LABELLING, "dialog .found li", many_classes, keys("f")),
    "verification": View(VERIFICATION, ".boxes li", act=photo),
    "grid": View(VERIFICATION, ".tile img", act=keys("g", " ")),
    "overview": View("#/overview", ".needs li"),
    "workflows": View("#/overview", ".graph", act=lambda page: page.locator("summary").click()),
    "overview-wrong": View("#/overview", ".banner.bad", wrong_devices),
    "empty-overview": View("#/overview", ".banner", empty),
    "attention": View("#/attention", ".card img"),
    "no-such-page": View("#/unknown", ".page .button"),
    "job-gone": View("#/jobs/gone/work", ".empty-state"),
}
