"""The page in a real browser on the real stack. After each story, ledger and output manifest hold exactly what was
done.
"""

import re
import time
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, Route, expect

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
    sign_in,
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
    assert {person for given in line.answers(job).values() for person in given} == {"anna"}


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
    saved = until(lambda: line.answers(job).get(name))["anna"]["annotations"]
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
    assert line.job(job)["remaining"] == 1
    answer(page, "n")
    page.locator("#waiting:empty").wait_for(state="attached")


def test_all_done_is_said_only_when_the_server_has_said_so(line: Line, signed_in: SignIn) -> None:
    _, job = line.open_job({"mine.jpg": photo(420), "theirs.jpg": photo(421)})
    until(lambda: line.job(job))
    an_hour = 3600 * 1000
    moment = int(time.time() * 1000)
    line.change_task(job, "theirs.jpg", queue=f"{job}#leased", position=moment + an_hour, leased_by="bert")
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
    expect(page.get_by_text("Others have the rest.")).to_be_visible()
    line.change_task(job, "theirs.jpg", position=moment)  # what bert held comes back
    assert shown(page) == "theirs.jpg"
    page.context.unroute("**/answer")
    answer(page, "n")
    expect(page.get_by_text("All done.")).to_be_visible()


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


def test_proposals_are_marked_and_count_only_when_somebody_decided(line: Line, signed_in: SignIn) -> None:
    execution, job = line.open_job({"proposed.jpg": photo(700), "wrong.jpg": photo(701)})
    until(lambda: line.job(job))
    good, moved, wrong = (
        {**box(*corner, 30, 30), "score": score}
        for corner, score in [((50, 50), 0.91), ((150, 90), 0.64), ((300, 200), 0.31)]
    )
    line.change_task(job, "proposed.jpg", image={"proposals": [good, moved, wrong]})
    line.change_task(job, "wrong.jpg", image={"proposals": [wrong]})
    page = signed_in("anna")
    open_work(page, job)
    while name := shown(page):
        if name == "wrong.jpg":
            answer(page, "n")  # to say that there is no defect rejects what the model proposed
            continue
        expect(boxes(page).first).to_contain_text("proposed 91 %")
        page.keyboard.press("Enter")  # not before all are decided
        expect(page.get_by_text("3 proposals to decide first").first).to_be_attached()
        page.keyboard.press("a")  # the first one
        drag(page, *place(page, 165, 105), *place(page, 175, 100))  # to move the second one is to accept it
        page.keyboard.press(".")
        page.keyboard.press("x")  # the third one
        answer(page, "Enter")
    approve_all(signed_in("bert"), verification(job))
    assert line.manifest(execution) == {"proposed.jpg": [box(50, 50, 30, 30), box(160, 85, 30, 30)], "wrong.jpg": []}


def test_a_verifier_corrects_and_approves(line: Line, signed_in: SignIn) -> None:
    execution, job = line.open_job({"corrected.jpg": photo(710)})
    page, second = signed_in("anna"), signed_in("bert")
    open_work(page, job)
    shown(page)
    draw(page, [box(50, 50, 40, 40)])
    answer(page, "Enter")
    open_work(second, verification(job))
    shown(second)
    if second.locator(".grid").count():
        second.keyboard.press("g")
    draw(second, [box(200, 100, 40, 40)])  # nothing is drawn before "Correct"
    assert boxes(second).count() == 1
    second.keyboard.press("e")
    second.keyboard.press("0")
    draw(second, [box(200, 100, 40, 40)])
    second.get_by_role("button", name="Save correction and approve").click()
    assert line.manifest(execution) == {"corrected.jpg": [box(50, 50, 40, 40), box(200, 100, 40, 40)]}


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
    engineer.get_by_role("button", name="Leave out: skipped.jpg").click()
    engineer.get_by_role("dialog").get_by_role("button", name="Leave out").click()
    expect(engineer.get_by_text("skipped.jpg is left out.").first).to_be_attached()
    assert line.ledger()["skipped.jpg"] == "QUARANTINED"


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
    page.goto("about:blank")
    other = signed_in("bert")
    open_work(other, job)
    assert shown(other) != begun
    answer(other, "n")
    expect(other.get_by_text("Others have the rest.")).to_be_visible()


def test_a_held_key_answers_one_photo(line: Line, signed_in: SignIn) -> None:
    _, job = line.open_job({f"held-{number}.jpg": photo(910 + number) for number in range(3)})
    page = signed_in("anna")
    open_work(page, job)
    first = shown(page)
    page.keyboard.down("n")
    assert shown(page) != first
    for _ in range(5):
        page.keyboard.down("n")  # as the keyboard repeats it
    page.keyboard.up("n")
    page.locator("#waiting:empty").wait_for(state="attached")
    assert list(line.answers(job)) == [first]


def test_a_photo_that_nobody_can_see_is_not_answered(line: Line, signed_in: SignIn) -> None:
    _, job = line.open_job({"unseen.jpg": photo(920)})
    page = signed_in("anna")
    page.context.route("**/incoming/**", lambda route: route.abort())
    open_work(page, job)
    expect(page.get_by_text("The photo could not be loaded")).to_be_visible()
    page.keyboard.press("n")
    expect(page.get_by_role("button", name="No defect")).to_be_disabled()
    expect(page.get_by_role("button", name="Skip")).to_be_enabled()
    page.context.unroute("**/incoming/**")
    page.get_by_role("button", name="Load it again").click()
    assert shown(page) == "unseen.jpg"
    assert line.answers(job) == {}
    answer(page, "n")
    until(lambda: line.answers(job) == {"unseen.jpg": {"anna": {"annotations": []}}})


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
    assert line.answers(job) == {"tabs.jpg": {"anna": {"annotations": [box(60, 60, 70, 80)]}}}


def test_who_signs_in_again_comes_back_to_the_photo(line: Line, signed_in: SignIn) -> None:
    _, job = line.open_job({"over.jpg": photo(940)})
    page = signed_in("anna")
    open_work(page, job)
    assert shown(page) == "over.jpg"
    page.evaluate(
        """() => sessionStorage.setItem("sightline:session", JSON.stringify({
          ...JSON.parse(sessionStorage.getItem("sightline:session")), id_token: "over", refresh_token: "over" }))"""
    )
    page.reload()
    page.get_by_role("dialog").get_by_label("Password").fill(PASSWORD)
    page.get_by_role("dialog").get_by_role("button", name="Sign in").click()
    assert shown(page) == "over.jpg"


def test_a_correction_can_be_taken_back_after_a_reload(line: Line, signed_in: SignIn) -> None:
    execution, job = line.open_job({"corrected.jpg": photo(950)})
    page = signed_in("anna")
    open_work(page, job)
    shown(page)
    draw(page, [box(60, 60, 70, 80)])
    answer(page, "Enter")
    verifier = signed_in("bert")
    open_work(verifier, verification(job))
    shown(verifier)
    verifier.keyboard.press("e")
    verifier.keyboard.press(".")
    verifier.keyboard.press("Delete")
    expect(boxes(verifier)).to_have_count(0)
    verifier.reload()
    shown(verifier)
    expect(boxes(verifier)).to_have_count(0)
    verifier.get_by_role("button", name="Discard correction").click()
    expect(boxes(verifier)).to_have_count(1)
    answer(verifier, "Enter")
    assert line.manifest(execution) == {"corrected.jpg": [box(60, 60, 70, 80)]}


def test_an_answer_can_be_looked_at_again_and_replaced(line: Line, signed_in: SignIn) -> None:
    execution, job = line.open_job({f"back-{number}.jpg": photo(730 + number) for number in range(3)})
    page = signed_in("anna")
    open_work(page, job)
    first = shown(page)
    answer(page, "n")
    second = shown(page)
    page.locator("#waiting:empty").wait_for(state="attached")
    page.reload()
    assert shown(page) == second
    answer(page, "k")  # also after a reload
    assert shown(page) == first
    expect(page.get_by_text("no defect. A new one replaces it")).to_be_visible()
    draw(page, [box(30, 30, 50, 60)])
    answer(page, "Enter")
    while shown(page):
        answer(page, "n")
    approve_all(signed_in("bert"), verification(job))
    assert line.manifest(execution) == {
        f"back-{n}.jpg": [box(30, 30, 50, 60)] if f"back-{n}.jpg" == first else [] for n in range(3)
    }


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
    expect(page.get_by_role("button", name="1 answer not taken")).to_be_visible()
    assert line.answers(job) == {}
    page.get_by_role("button", name="1 answer not taken").click()
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert shown(page) != name


def test_fingers_draw_pinch_and_pan(line: Line, signed_in: SignIn) -> None:
    _, job = line.open_job({"touched.jpg": photo(750)})
    page = signed_in("anna", has_touch=True, viewport={"width": 1024, "height": 768})
    open_work(page, job)
    shown(page)
    cdp = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        cdp.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]},
        )

    start, end = place(page, 100, 80), place(page, 160, 140)
    touch("touchStart", start)
    touch("touchMove", ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
    touch("touchMove", end)
    touch("touchEnd")
    expect(boxes(page)).to_have_count(1)
    before = page.locator(".photo").bounding_box()
    touch("touchStart", (300, 300))
    touch("touchStart", (300, 300), (400, 300))  # a second finger: no box, but zoom
    touch("touchMove", (250, 300), (450, 300))
    touch("touchEnd")
    expect(boxes(page)).to_have_count(1)
    after = page.locator(".photo").bounding_box()
    assert before and after and round(after["width"] / before["width"], 1) == 2.0
    answer(page, "Enter")
    saved = until(lambda: line.answers(job).get("touched.jpg"))["anna"]["annotations"]
    assert len(saved) == 1
    assert max(abs(saved[0][side] - wanted) for side, wanted in box(100, 80, 60, 60).items()) <= 1


def test_the_overview_shows_what_runs(line: Line, signed_in: SignIn) -> None:
    execution, job = line.open_job({"seen.jpg": photo(760)})
    page = signed_in("anna")
    page.get_by_role("link", name=job, exact=True).click()
    expect(page.get_by_text("Nobody has answered yet.")).to_be_visible()
    page.get_by_role("link", name="Overview").click()
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
