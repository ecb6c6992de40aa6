"""Answers that can't be sent at once are kept and sent later, once, whatever happens to the page."""

import time
from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

from tests.console_line import (
    Line,
    answer,
    approve_all,
    box,
    boxes,
    draw,
    open_work,
    photo,
    shown,
    sign_in,
    until,
    verification,
)

SignIn = Callable[..., Page]


def test_answers_given_without_a_network_are_sent_when_it_is_back(line: Line, signed_in: SignIn) -> None:
    names = [f"lost-{number}.jpg" for number in range(5)]
    execution, job = line.open_job({name: photo(seed) for seed, name in enumerate(names, 300)})
    page = signed_in("anna")
    open_work(page, job)
    shown(page)
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    done = {}
    for number in range(3):  # what was loaded ahead can be worked on
        name = shown(page)
        done[name] = [box(10 * number + 20, 30, 40, 50)]
        draw(page, done[name])
        answer(page, "Enter")
    expect(page.get_by_text("3 answers waiting to be sent")).to_be_visible()
    assert line.answers(job) == {}
    page.context.set_offline(False)
    page.locator("#waiting:empty").wait_for(state="attached")
    while name := shown(page):
        done[name] = []
        answer(page, "n")
    approve_all(signed_in("bert"), verification(job))
    assert line.manifest(execution) == done


def test_a_reload_in_the_middle_loses_nothing(line: Line, signed_in: SignIn) -> None:
    execution, job = line.open_job({"kept-1.jpg": photo(400), "kept-2.jpg": photo(401)})
    page = signed_in("anna")
    open_work(page, job)
    first = shown(page)
    draw(page, [box(60, 60, 70, 80)])
    page.reload()
    assert shown(page) == first  # the lease is still hers, and the box is back
    expect(boxes(page)).to_have_count(1)
    expect(page.get_by_text("Your unfinished boxes were restored.")).to_be_visible()
    page.context.route("**/answer", lambda route: route.abort())
    answer(page, "Enter")
    expect(page.get_by_text("1 answer waiting to be sent")).to_be_visible()
    page.reload()
    second = shown(page)
    assert second != first  # what is answered is not asked again, although the server does not know it yet
    page.context.unroute("**/answer")
    page.locator("#waiting:empty").wait_for(state="attached", timeout=60_000)
    draw(page, [box(10, 20, 30, 40)])
    answer(page, "Enter")
    approve_all(signed_in("bert"), verification(job))
    assert line.manifest(execution) == {first: [box(60, 60, 70, 80)], second: [box(10, 20, 30, 40)]}


def test_an_answer_that_arrived_although_nobody_said_so_counts_once(line: Line, signed_in: SignIn) -> None:
    _, job = line.open_job({"twice-1.jpg": photo(410), "twice-2.jpg": photo(411)})
    page = signed_in("anna")
    open_work(page, job)
    sent = []

    def lose_the_reply(route) -> None:
        if sent:
            route.continue_()
        else:
            sent.append(route.fetch().status)
            route.abort()

    page.context.route("**/answer", lose_the_reply)
    name = shown(page)
    answer(page, "n")
    expect(page.get_by_text("1 answer waiting to be sent")).to_be_visible()
    page.locator("#waiting:empty").wait_for(state="attached", timeout=60_000)
    assert sent == [200]
    other = shown(page)
    assert {name, other} == {"twice-1.jpg", "twice-2.jpg"}
    assert line.job(job)["remaining"] == 1
    answer(page, "n")
    page.locator("#waiting:empty").wait_for(state="attached")


def test_all_done_is_said_only_when_the_server_has_said_so(line: Line, signed_in: SignIn) -> None:
    _, job = line.open_job({"mine.jpg": photo(420), "theirs.jpg": photo(421)})
    until(lambda: line.job(job))
    ten_minutes = 600 * 1000  # no longer than a lease lasts: a longer one is of a wrong clock, and over
    moment = int(time.time() * 1000)
    line.change_task(job, "theirs.jpg", queue=f"{job}#leased", position=moment + ten_minutes, leased_by="bert")
    page = signed_in("anna")
    open_work(page, job)
    assert shown(page) == "mine.jpg"
    held: list[Route] = []
    page.context.route("**/answer", lambda route: held.append(route))
    answer(page, "n")
    expect(page.get_by_text("1 answer of yours waits here and will be sent.")).to_be_visible()
    assert page.get_by_text("All done.").count() == 0
    until(lambda: held or page.wait_for_timeout(100))
    held[0].continue_()
    expect(page.get_by_text("Other people have the remaining images.")).to_be_visible()
    line.change_task(job, "theirs.jpg", position=moment)  # what bert held comes back
    assert shown(page) == "theirs.jpg"
    page.context.unroute("**/answer")
    answer(page, "n")
    expect(page.get_by_text("All done.")).to_be_visible()


def test_two_tabs_of_one_person_do_not_overwrite_each_other(line: Line, signed_in: SignIn) -> None:
    _, job = line.open_job({"tabs.jpg": photo(930)})
    page = signed_in("anna")
    tab = page.context.new_page()
    sign_in(tab, line, "anna")
    for each in (page, tab):
        open_work(each, job)
        assert shown(each) == "tabs.jpg"
    draw(page, [box(60, 60, 70, 80)])
    answer(page, "Enter")
    expect(tab.get_by_text("Your answer: 1 box")).to_be_visible()
    tab.keyboard.press("n")
    expect(tab.get_by_text("This image has 1 box.").first).to_be_visible()
    page.locator("#waiting:empty").wait_for(state="attached")  # the other tab hears of an answer before the server does
    assert line.answers(job) == {"tabs.jpg": {"anna": {"annotations": [box(60, 60, 70, 80)]}}}
