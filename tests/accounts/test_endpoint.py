"""The idiom of endpoints: an operation with a body is parsed, called, rendered and described."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from rest_framework import serializers
from rest_framework.test import APIRequestFactory, force_authenticate

from accounts.callers import Caller
from accounts.endpoint import Answer, Endpoint, operation
from pictor.kit.endpoints.bodies import ApiBody, FlagField, TextField, WordField, optional
from pictor.kit.endpoints.body import Body, RawSink
from pictor.kit.endpoints.objects import ApiObject
from pictor.kit.endpoints.paths import route


class WidgetBody(ApiBody):
    """A widget to be made."""

    name = TextField(required=True, help_text="What to call it.")
    color = optional(WordField, "One of two.", words=("red", "blue"))
    is_round = optional(FlagField, "Whether it rolls.")


class WidgetObject(ApiObject):
    """A widget."""

    name = serializers.CharField()
    color = serializers.CharField(required=False)


class WidgetsView(Endpoint):
    """/v1/widgets."""

    authentication_classes = ()
    permission_classes = ()

    @operation(
        "create_widget",
        summary="Create a widget",
        scope="images:write",
        body=WidgetBody,
        answer=WidgetObject,
        status=201,
    )
    def post(self, caller: Caller, name: str, color: str | None = None, **more: Any) -> Answer:
        """Make a widget."""
        return Answer(SimpleNamespace(name=name, color=color), {"Location": f"/v1/widgets/{name}"})


urlpatterns = [path("v1/widgets", route(WidgetsView))]


def send(body: Body) -> Any:
    request: Any = APIRequestFactory().post("/v1/widgets")
    request.scope = {"pictor.body": body}
    caller: Any = SimpleNamespace(is_test=False, scopes=["images:write"], tenant_id="acme")
    force_authenticate(request, token=caller)
    return WidgetsView.as_view()(request)


def error_of(response: Any) -> tuple[int, str, str | None]:
    error = json.loads(response.content)["error"]
    return response.status_code, error["code"], error["param"]


def test_a_body_is_parsed_handed_on_and_answered_with_the_status_that_was_promised():
    response = send(Body(b'{"name": "wheel", "color": null, "is_round": true}'))

    assert response.status_code == 201
    assert response.data == {"name": "wheel"}
    assert response["Location"] == "/v1/widgets/wheel"


@pytest.mark.parametrize(
    ("text", "code", "param"),
    [
        (b"", "invalid_json", None),
        (b"[]", "invalid_json", None),
        (b'{"name": "a", "name": "b"}', "invalid_json", None),
        (b"{}", "missing_required_parameter", "name"),
        (b'{"name": null}', "missing_required_parameter", "name"),
        (b'{"name": 7}', "invalid_type", "name"),
        (b'{"name": "a", "color": "green"}', "invalid_value", "color"),
        (b'{"name": "a", "is_round": "yes"}', "invalid_type", "is_round"),
        (b'{"name": "a", "colour": "red"}', "unknown_parameter", "colour"),
    ],
)
def test_a_body_that_does_not_fit_is_refused_by_its_field(text, code, param):
    assert error_of(send(Body(text))) == (400, code, param)


def test_a_string_that_went_to_a_spool_is_too_long():
    body = Body(
        b'{"name": "placeholder"}',
        long_strings=[RawSink(None)],  # type: ignore[arg-type]  # nothing is read from it
        index_of=lambda text: 0 if text == "placeholder" else None,
    )

    assert error_of(send(body)) == (400, "string_above_max_length", "name")


def test_the_body_and_the_status_are_in_the_document():
    generator: Any = SchemaGenerator
    document = generator(patterns=urlpatterns).get_schema(request=None, public=True)

    described = document["paths"]["/v1/widgets"]["post"]
    schema = document["components"]["schemas"]["WidgetBody"]
    assert "201" in described["responses"]
    assert "200" not in described["responses"]
    assert schema["required"] == ["name"]
    assert set(schema["properties"]) == {"name", "color", "is_round"}
