"""Labelling in a real browser: after each story, ledger and output manifest hold exactly what was done."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.console_line import (
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
    verification,
)

SignIn = Callable[..., Page]


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
