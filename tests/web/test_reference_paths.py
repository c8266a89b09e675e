"""Paths with and without their last slash; the reference and the methods it refuses."""

import json
import re

import pytest
from django.test import Client

pytestmark = pytest.mark.usefixtures("plain_static_files")

PATHS = ["/openapi.json", "/openapi.json/", "/docs/api", "/docs/api/"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_another_method_is_refused_in_the_usual_shape(path: str, method: str) -> None:
    answer = Client(enforce_csrf_checks=True).generic(method, path)

    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
    assert answer["Content-Type"] == "application/json"
    assert json.loads(answer.content)["error"]["code"] == "method_not_allowed"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/docs/api", "/docs/api/"])
def test_the_reference_is_found_with_and_without_the_slash(client: Client, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    assert b"<h1" in answer.content
    paths = re.findall(rb"<code>([A-Z]+ /v1[^<]*)</code></td>", answer.content)
    assert (paths[0], len(paths)) == (b"POST /v1/images/generations", 32)
    assert b"<code>image[]</code>" in answer.content  # not the pattern that the document has
    assert b"string, at most 32000 characters, required" in answer.content


@pytest.mark.parametrize("path", ["/console", "/ops", "/docs", "/accounts/login", "/admin"])
def test_a_page_typed_without_its_slash_is_found(client: Client, path: str) -> None:
    answer = client.get(f"{path}?a=b")

    assert (answer.status_code, answer["Location"]) == (301, f"{path}/?a=b")


def test_a_path_that_leads_nowhere_stays_a_404(client: Client) -> None:
    assert client.get("/nowhere").status_code == 404
