"""Each page's policy for browsers: allowed sources, and no code in the page itself."""

import re

import pytest
from django.http import HttpResponse

from accounts.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]

INLINE_SCRIPT = re.compile(r"""<script(?![^>]*\b(?:src=|type="application/json"))|\son\w+\s*=""")


def policy_of(answer: HttpResponse) -> dict[str, set[str]]:
    directives = [line.split() for line in answer["Content-Security-Policy"].split(";")]
    return {name: set(sources) for name, *sources in directives}


@pytest.mark.parametrize("path", ["/accounts/login/", "/nothing/", "/v1/nothing"])
def test_every_page_says_what_it_may_load(client, path):
    answer = client.get(path, headers={"Accept": "text/html"})

    policy = policy_of(answer)
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == {"'none'"}
    assert policy["form-action"] == policy["connect-src"] == {"'self'"}
    assert "'unsafe-inline'" not in policy["script-src"]
    assert "camera=()" in answer["Permissions-Policy"]


def test_no_page_has_a_script_in_it_or_evaluates_words(client):
    sign_in = client.get("/accounts/login/")
    client.force_login(User.objects.create_superuser("root@example.com", "correct horse"))
    pages = [sign_in, *(client.get(path) for path in ("/ops/", "/ops/margin/uncharged/"))]

    policies = [policy_of(page) for page in pages]
    assert [policy["style-src"] for policy in policies] == [{"'self'"}] * 3
    assert ["'unsafe-eval'" in policy["script-src"] for policy in policies] == [False] * 3
    assert INLINE_SCRIPT.findall("".join(page.content.decode() for page in pages)) == []


@pytest.mark.django_db
@pytest.mark.usefixtures("plain_static_files")
@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/password/reset/", "/"])
def test_a_page_with_a_password_allows_nothing_unsafe(client, path):
    policy = client.get(path).headers["Content-Security-Policy"]

    assert "unsafe" not in policy
