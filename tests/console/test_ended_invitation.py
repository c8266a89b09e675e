"""A link of an invitation that was used, and a page of another role, in a browser."""

import re
from uuid import uuid4

from playwright.sync_api import Browser

from tests.console.browser import Look, looking
from tests.console.people import fill, sign_up
from tests.console.visits import broken_promises
from tests.stack.servers import Stack


def test_an_invitation_is_used_and_then_says_so_and_whom_to_ask(
    browser: Browser, stack: Stack, look: Look
) -> None:
    owner, guest = (f"{name}-{uuid4().hex[:8]}@example.com" for name in ("ann", "bob"))
    with (
        looking(browser, stack.base_url, look) as session,
        looking(browser, stack.base_url, look) as another,
    ):
        page = sign_up(session, owner)
        page.wait_for_url("**/console/ten_*/**")
        home = f"/console/{page.url.partition('/console/')[2].split('/')[0]}/"
        page.goto(f"{home}members/")
        page.get_by_text("to leave, make another member an owner first").wait_for()
        fill(page, "Send invitation", **{"E-mail address": guest})
        page.get_by_text("Invitation sent").wait_for()
        page.goto("/mailbox/")
        mail = page.locator("li", has_text=f"To {guest}").first.inner_text()
        (link,) = set(re.findall(r"/invite/[^\s”]+", mail))

        visitor = sign_up(another, guest, f"/accounts/signup/?next={link}")
        visitor.get_by_role("button", name="Join workspace").click()
        visitor.wait_for_url(f"**{home}")

        def looks_right(path: str, name: str, status: int) -> list[str]:
            base = stack.base_url
            return broken_promises(visitor, path, base_url=base, name=name, status=status)

        assert looks_right(link, "invitation-used", 410) == []
        visitor.get_by_role("heading", name="This invitation was used").wait_for()
        visitor.get_by_text(f"For another one ask {owner}").wait_for()
        assert looks_right(f"{home}members/", "not-for-role", 403) == []
        visitor.get_by_text("This is for the role owner or admin").wait_for()
        visitor.get_by_role("main").get_by_text(owner).wait_for()
        assert looks_right(f"{home}mistyped/", "workspace-missing", 404) == []
        visitor.get_by_text("it may be mistyped").wait_for()
