"""Staff's key and invitation wait in a browser until an owner of the tenant opens and agrees."""

from functools import partial
from uuid import uuid4

import httpx
from playwright.sync_api import BrowserContext

from tests.console.pages import Place
from tests.console.visits import broken_promises, broken_rules
from tests.stack.servers import Stack


def test_an_owner_opens_a_key_and_agrees_to_an_invitation(
    signed_in: BrowserContext, place: Place, stack: Stack
) -> None:
    """One person alone runs the house: staff, and the owner of its own tenant."""
    page, name, eve = (
        signed_in.new_page(),
        f"ci-{uuid4().hex[:8]}",
        f"{uuid4().hex[:8]}@eve.example",
    )
    promises = partial(broken_promises, page, base_url=stack.base_url)
    ops = f"/ops/tenants/{place.tenant}/"

    page.goto(ops)
    page.get_by_role("link", name="Create key").click()
    page.get_by_label("Name of the key").fill(name)
    page.get_by_role("button", name="Create key").click()
    page.get_by_text(f"{name} created: an owner sees its secret once, on opening it").wait_for()
    page.get_by_role("link", name="Invite", exact=True).click()
    page.get_by_label("E-mail address").fill(eve)
    page.get_by_role("button", name="Invite", exact=True).click()
    page.get_by_text("waits for a second person and 24 hours, or for an owner").wait_for()
    assert promises(ops, name="ops-tenant-asked") == []
    assert promises("/ops/moves/", name="ops-moves-members") == []

    assert promises(place.path("members"), name="console-members-asked") == []
    page.get_by_role("button", name=f"Agree: Invite {eve} as developer").click()
    page.get_by_text("Change made").wait_for()
    page.get_by_text(eve).wait_for()
    assert promises(place.path("keys"), name="console-keys-unopened") == []
    page.get_by_role("link", name=name).click()
    assert broken_rules(page, "console-key-unopened") == []
    page.get_by_role("button", name=f"Open {name}").click()
    key = page.locator("#new-key").inner_text().strip()

    answer = httpx.get(
        f"{stack.base_url}/v1/balance", headers={"Authorization": f"Bearer {key}"}, trust_env=False
    )
    assert answer.status_code == httpx.codes.OK
