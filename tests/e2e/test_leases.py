"""Who holds which image: two people at once, leaving, and leases that end."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.console_line import Line, answer, approve_all, box, draw, open_work, photo, shown, until, verification

SignIn = Callable[..., Page]


def test_two_people_at_once_never_get_the_same_image(line: Line, signed_in: SignIn) -> None:
    names = {f"both-{number}.jpg" for number in range(10)}
    execution, job = line.open_job({name: photo(seed) for seed, name in enumerate(sorted(names), 500)})
    people = {name: signed_in(name) for name in ("anna", "bert")}
    done: dict[str, str] = {}
    for page in people.values():
        open_work(page, job)
    for _ in range(3):
        for person, page in people.items():
            name = shown(page)
            assert name not in done
            done[name] = person
            draw(page, [box(20, 20, 30 + len(done), 40)])
            answer(page, "Enter")
    people["bert"].get_by_role("link", name="Jobs").first.click()  # he stops; what he holds comes back at once
    while name := shown(people["anna"]):
        assert name not in done
        done[name] = "anna"
        draw(people["anna"], [box(20, 20, 30 + len(done), 40)])
        answer(people["anna"], "Enter")
    assert set(done) == names
    for page in people.values():
        page.locator("#waiting:empty").wait_for(state="attached")
    assert {name: list(given) for name, given in line.answers(job).items()} == {
        name: [who] for name, who in done.items()
    }
    approve_all(signed_in("cleo"), verification(job))  # nobody verifies labels of their own
    widths = {name: 30 + number for number, name in enumerate(done, 1)}
    assert line.manifest(execution) == {name: [box(20, 20, width, 40)] for name, width in widths.items()}


def test_signing_out_gives_back_what_was_not_answered(line: Line, signed_in: SignIn) -> None:
    _, job = line.open_job({"left.jpg": photo(900)})
    page = signed_in("anna")
    open_work(page, job)
    assert shown(page) == "left.jpg"
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    other = signed_in("bert")
    open_work(other, job)
    assert shown(other) == "left.jpg"  # although anna's lease would last for minutes


def test_leaving_the_page_gives_back_what_was_not_begun(line: Line, signed_in: SignIn) -> None:
    _, job = line.open_job({"begun.jpg": photo(902), "untouched.jpg": photo(903)})
    page = signed_in("anna")
    open_work(page, job)
    begun = shown(page)
    draw(page, [box(40, 40, 50, 50)])
    until(lambda: line.leases(job) == {"begun.jpg": "anna", "untouched.jpg": "anna"})
    page.wait_for_load_state("networkidle")  # a lease of which the page has not heard is given back by nobody
    page.goto("about:blank")
    other = signed_in("bert")
    open_work(other, job)
    assert shown(other) != begun
    answer(other, "n")
    expect(other.get_by_text("Other people have the remaining images.")).to_be_visible()


def test_a_lost_lease_is_explained_and_the_drawing_is_not_counted(line: Line, signed_in: SignIn) -> None:
    _, job = line.open_job({"late-1.jpg": photo(740), "late-2.jpg": photo(741)})
    page = signed_in("anna")
    page.clock.install()
    open_work(page, job)
    name = shown(page)
    draw(page, [box(30, 30, 50, 60)])
    line.change_task(job, name, leased_by="bert")
    page.clock.fast_forward(10 * 60 * 1000)
    page.mouse.move(300, 300)
    page.keyboard.press(".")
    expect(page.get_by_text("This image is no longer yours")).to_be_visible()
    page.keyboard.press("Enter")  # whoever saves all the same is told what became of it
    expect(page.get_by_role("button", name="1 answer not accepted")).to_be_visible()
    assert line.answers(job) == {}
    page.get_by_role("button", name="1 answer not accepted").click()
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert shown(page) != name
