"""Dialogs that confirm irreversible actions: by keyboard, and without scripts."""

import pytest

from tests.console.browser import SHOWN, axe_of_look, focused, keep
from tests.console.pages import new_key

EVERY_LOOK = pytest.mark.parametrize("look", SHOWN, ids=lambda look: look.name)


@EVERY_LOOK
def test_a_dangerous_step_asks_and_gives_the_focus_back(signed_in, place, stack, look):
    key, _ = new_key(stack)
    page = signed_in.new_page()
    page.goto(f"/console/{place.tenant}/keys/{key}/")
    button = page.get_by_role("button", name="Revoke key")

    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Revoke key?")
    dialog.wait_for()
    assert focused(page) == "Cancel"
    keep(page, f"confirm-{look.name}")
    assert axe_of_look(page) == []
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert focused(page) == "Revoke key"

    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    dialog.wait_for(state="hidden")
    assert focused(page) == "Revoke key"

    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    toast = page.get_by_role("status").get_by_text("Key revoked")
    toast.hover()  # so that it stays
    keep(page, f"toast-{look.name}")
    assert axe_of_look(page) == []
    page.get_by_role("button", name="Dismiss").click()
    toast.wait_for(state="hidden")
    assert page.get_by_role("button", name="Rotate key").count() == 0


@EVERY_LOOK
def test_the_menu_of_a_row_is_walked_by_keyboard(signed_in, place, stack, look):
    key, name = new_key(stack)
    page = signed_in.new_page()
    page.goto(f"{place.path('keys')}?q={key}")
    menu = page.get_by_role("group", name=f"Actions for {name}")

    page.get_by_role("button", name=f"Actions for {name}").focus()
    page.keyboard.press("Enter")
    menu.wait_for()
    keep(page, f"menu-{look.name}")
    assert axe_of_look(page) == []
    walked = []
    for _ in range(5):
        page.keyboard.press("Tab")
        walked.append(focused(page))
    assert walked == ["Edit limits", "Rotate key", "Copy prefix", "See generations", "Revoke key"]

    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Revoke key?")
    dialog.wait_for()
    keep(page, f"menu-confirm-{look.name}")
    assert axe_of_look(page) == []
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert focused(page) == "Revoke key"
    page.keyboard.press("Escape")
    menu.wait_for(state="hidden")
    assert focused(page) == "⋯"

    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/keys/{key}/?tab=rules#limits")


def test_without_scripts_dialogs_stand_where_their_buttons_would_be(browser, place, stack):
    key, _ = new_key(stack)
    context = browser.new_context(base_url=stack.base_url, java_script_enabled=False)
    context.add_cookies(place.cookies)
    page = context.new_page()
    page.goto(f"/console/{place.tenant}/keys/{key}/")

    assert not page.get_by_role("button", name="Cancel").first.is_visible()
    assert page.get_by_label("The old secret ends").is_visible()
    page.get_by_role("button", name="Revoke key").click()

    page.get_by_text("Key revoked").wait_for()
    context.close()
