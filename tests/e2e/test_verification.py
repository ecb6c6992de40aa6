"""Verification in a real browser: corrections, and taking them back."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.console_line import Line, answer, box, boxes, draw, open_work, photo, shown, verification

SignIn = Callable[..., Page]


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
