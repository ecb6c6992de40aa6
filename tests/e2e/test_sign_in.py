"""Signing in and out in a real browser."""

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.console_line import PASSWORD, Line, open_work, photo, shown

SignIn = Callable[..., Page]


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
    kept = page.evaluate("() => JSON.parse(sessionStorage.getItem('sightline:session')).refresh_token")
    assert line.target.call_api("POST", "/session", {"refresh_token": kept})[0] == 200
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as signed_out:
        page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    assert signed_out.value.status == 204
    assert line.target.call_api("POST", "/session", {"refresh_token": kept})[0] == 401  # whoever has a copy


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
