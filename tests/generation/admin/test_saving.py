"""Refusals that appear only on saving, because another operator was faster."""

from django.contrib import admin
from django.contrib.messages import get_messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.exceptions import ValidationError
from django.test import RequestFactory
from typing_extensions import override

from accounts.admin import ServiceAdmin
from generation.models import Contract
from tests.generation.admin.conftest import change_page


class Refusing(ServiceAdmin):
    fields = ("max_n",)

    @override
    def save_model(self, request, obj, form, change):
        Contract.objects.update(max_n=7)
        raise ValidationError("another operator was faster")


def test_a_late_refusal_is_shown_and_nothing_of_it_is_kept(seeded, db, root):
    request = RequestFactory().post(change_page("contract", "dall-e-3"), {"max_n": "5"})
    request.user = root
    setattr(request, "_messages", CookieStorage(request))  # noqa: B010 - the middleware's name
    setattr(request, "_dont_enforce_csrf_checks", True)  # noqa: B010 - as the test client does

    answer = Refusing(Contract, admin.site).changeform_view(request, "dall-e-3")

    assert (answer.status_code, answer["Location"]) == (302, change_page("contract", "dall-e-3"))
    (message,) = get_messages(request)
    assert str(message) == "another operator was faster"
    assert Contract.objects.get(model="dall-e-3").max_n == 1
