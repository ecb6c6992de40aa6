"""The page in a real browser on the real stack. After each story, ledger and output manifest hold exactly what was done."""

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.console_line import (
    PASSWORD,
    Line,
    answer,
    approve_all,
    box,
    boxes,
    drag,
    draw,
    open_work,
    photo,
    place,
    shown,
    until,
)  # fmt: skip

SignIn = Callable[..., Page]


def verification(job_id: str) -> str:
    return job_id.replace(".labeling.", ".verification.")


def test_nobody_gets_in_without_the_password(line: Line, open_context: Callable[..., BrowserContext]) -> None:
    page = open_context().new_page()
    page.goto(line.url + "#/overview")
    page.get_by_label("Name").fill(line.user("anna"))
    page.get_by_label("Password").fill("guessed")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert").filter(has_text="password")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()


def test_what_is_drawn_verified_and_rejected_is_what_ledger_and_manifest_hold(line: Line, signed_in: SignIn) -> None:
    wanted = {
        "three.jpg": [box(40, 50, 60, 30), box(200, 120, 80, 44), box(310, 210, 90, 61)],
        "clean.jpg": [],
        "again.jpg": [box(100, 90, 50, 50)],
    }
    execution, job = line.open_job({name: photo(seed) for seed, name in enumerate(wanted, 100)})
    page = signed_in("anna")
    open_work(page, job)
    while name := shown(page):
        draw(page, wanted[name] if name != "again.jpg" else [box(5, 5, 20, 20)])
        answer(page, "Enter" if wanted[name] else "n")

    second = signed_in("bert")
    open_work(second, verification(job))
    while name := shown(second):
        if name == "again.jpg":
            second.keyboard.press("x")
            second.get_by_role("textbox").fill("the scratch is elsewhere")
            answer(second, "Enter")
        else:
            answer(second, "Enter")

    open_work(page, job.replace(".labeling.1", ".labeling.2"))
    assert shown(page) == "again.jpg"
    expect(page.get_by_text("the scratch is elsewhere")).to_be_visible()
    while boxes(page).count():  # what was wrong is still there, to be corrected
        page.keyboard.press(".")
        page.keyboard.press("Delete")
    draw(page, wanted["again.jpg"])
    answer(page, "Enter")
    approve_all(second, verification(job.replace(".labeling.1", ".labeling.2")))

    assert line.manifest(execution) == wanted
    assert {line.ledger()[name] for name in wanted} == {"APPROVED"}
    assert {task["answered_by"] for task in line.tasks(job).values()} == {"anna"}


def test_boxes_are_moved_resized_and_deleted_undone_and_redone(line: Line, signed_in: SignIn) -> None:
    execution, job = line.open_job({"edited.jpg": photo(200)})
    page = signed_in("anna")
    open_work(page, job)
    shown(page)
    draw(page, [box(100, 100, 40, 40), box(200, 200, 40, 40), box(300, 50, 40, 40)])
    page.mouse.click(*place(page, 120, 120))  # a click selects
    drag(page, *place(page, 120, 120), *place(page, 140, 130))  # a drag inside moves
    drag(page, *place(page, 160, 150), *place(page, 180, 170))  # the lower right handle resizes
    page.keyboard.press("Escape")
    page.mouse.click(*place(page, 320, 70))
    page.keyboard.press("Delete")
    assert boxes(page).count() == 2
    page.keyboard.press("Control+z")
    assert boxes(page).count() == 3
    page.keyboard.press("Control+y")
    assert boxes(page).count() == 2
    page.mouse.click(*place(page, 220, 220))
    for key in ["ArrowRight", "ArrowDown", "ArrowDown", "Shift+ArrowLeft"]:
        page.keyboard.press(key)
    answer(page, "Enter")
    approve_all(signed_in("bert"), verification(job))
    assert line.manifest(execution) == {"edited.jpg": [box(120, 110, 60, 60), box(201, 202, 39, 40)]}


def test_everything_can_be_done_with_the_keyboard_alone(line: Line, signed_in: SignIn) -> None:
    _, job = line.open_job({"keys-1.jpg": photo(210), "keys-2.jpg": photo(211)})
    page = signed_in("anna")
    open_work(page, job)
    shown(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_contain_text("Accept all proposals")
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    page.keyboard.press("Shift+ArrowRight")
    page.get_by_role("listbox", name="Boxes").focus()
    page.keyboard.press("ArrowDown")
    expect(boxes(page).first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("c")
    expect(page.get_by_label("Contrast")).to_have_value("120")
    page.keyboard.press("r")
    name = shown(page)
    answer(page, "Enter")
    until(lambda: line.tasks(job)[name].get("answer"))
    saved = line.tasks(job)[name]["answer"]["annotations"]
    assert len(saved) == 1 and saved[0]["width"] == saved[0]["height"] + 1
    answer(page, "n")
    page.locator("#waiting:empty").wait_for(state="attached")


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
    assert not any("answer" in task for task in line.tasks(job).values())
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
    expect(page.get_by_text("Your unfinished boxes are back.")).to_be_visible()
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
    assert line.target.client("dynamodb").get_item(
        TableName=line.target.outputs["TasksTableName"], Key={"pk": {"S": job}, "sk": {"S": "job"}}
    )["Item"]["remaining"] == {"N": "1"}
    answer(page, "n")
    page.locator("#waiting:empty").wait_for(state="attached")


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
    while name := shown(people["anna"]):  # bert stops; what he holds comes back when he leaves the job
        assert name not in done
        done[name] = "anna"
        draw(people["anna"], [box(20, 20, 30 + len(done), 40)])
        answer(people["anna"], "Enter")
        if len(done) == 8:
            people["bert"].get_by_role("link", name="Jobs").first.click()
    assert {name: task["answered_by"] for name, task in line.tasks(job).items()} == done
    approve_all(people["bert"], verification(job))
    widths = {name: 30 + number for number, name in enumerate(done, 1)}
    assert line.manifest(execution) == {name: [box(20, 20, width, 40)] for name, width in widths.items()}


def test_scripts_in_names_and_comments_do_not_run(line: Line, signed_in: SignIn) -> None:
    hostile = "<img src=x onerror=alert(1)>.jpg"
    execution, job = line.open_job({hostile: photo(600)})
    page, second = signed_in("anna"), signed_in("bert")
    open_work(page, job)
    assert shown(page) == hostile
    answer(page, "n")
    open_work(second, verification(job))
    assert shown(second) == hostile
    second.keyboard.press("x")
    reason = "<script>alert(2)</script><b onmouseover=alert(3)>here</b>"
    second.get_by_role("textbox").fill(reason)
    answer(second, "Enter")
    open_work(page, job.replace(".labeling.1", ".labeling.2"))
    shown(page)
    expect(page.get_by_text(reason)).to_be_visible()
    answer(page, "n")
    approve_all(second, verification(job.replace(".labeling.1", ".labeling.2")))
    assert line.manifest(execution) == {hostile: []}
    policy = page.goto(line.url).headers["content-security-policy"]
    assert "unsafe" not in policy and "*" not in policy
