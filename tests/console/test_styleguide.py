"""The page of components shows every component."""

import re

import pytest

from accounts.models import User
from tests.console.browser import axe_of_look, faint_in, looking
from tests.console.visits import broken_promises
from tests.stack.servers import ROOT

TEMPLATES = ROOT / "platform" / "console" / "templates"


@pytest.mark.django_db
@pytest.mark.usefixtures("plain_static_files")
def test_the_page_takes_few_queries(client, settings, django_assert_max_num_queries):
    settings.STAFF_MFA = False
    client.force_login(User.objects.create_superuser("root@example.com", "correct horse"))
    client.get("/ops/styleguide/")

    with django_assert_max_num_queries(12):
        assert client.get("/ops/styleguide/").status_code == 200


def test_the_page_of_components_keeps_what_the_console_promises(browser, stack, look):
    with looking(browser, stack.base_url, look) as context:
        page = context.new_page()
        page.goto("/accounts/login/?next=/ops/styleguide/")
        page.fill("input[name=login]", stack.env["PICTOR_DEMO_EMAIL"])
        page.fill("input[name=password]", stack.env["PICTOR_DEMO_PASSWORD"])
        page.click("button[type=submit]")
        page.wait_for_url("**/ops/styleguide/")

        path = "/ops/styleguide/"
        assert broken_promises(page, path, base_url=stack.base_url, name="styleguide") == []
        assert axe_of_look(page) == []
        assert [faint_in(page, theme) for theme in ("light", "dark")] == [[], []]


def test_every_component_that_a_page_uses_is_on_it():
    shown = components_in("ops/styleguide.html")
    used = {
        name
        for folder in ("site", "console", "workspace")
        for path in (TEMPLATES / folder).glob("*.html")
        for name in components_in(f"{folder}/{path.name}")
    }

    assert used - shown - {"nav-link", "theme"} == set()  # the frame's own, on every page


def components_in(template: str) -> set[str]:
    html = (TEMPLATES / template).read_text(encoding="utf-8")
    return set(re.findall(r"<c-(?!slot|vars)([a-z-]+)", html))
