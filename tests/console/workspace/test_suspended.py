"""A suspended workspace: its members see the reason, and its keys open nothing."""

import pytest

from accounts.authentication import let_in
from accounts.services.office.suspending import resume, suspend
from pictor.kit.words import clock
from pictor.kit.words.errors import Forbidden
from tests.console.answers import words_of
from tests.console.workspace.conftest import url
from tests.making.factories import PayingCustomer

pytestmark = pytest.mark.django_db


def test_members_read_the_reason_for_the_suspension(channel, sign_in):
    acme = PayingCustomer("unpaid")
    suspend(tenant=acme.tenant, words="unpaid since May <b>", actor="test")

    page = words_of(sign_in(acme).get(url("overview", acme)))

    assert "This workspace is suspended" in page
    assert "The reason: unpaid since May &lt;b&gt;" in page


def test_keys_open_nothing_until_the_workspace_is_resumed(channel):
    acme = PayingCustomer("unpaid")
    suspend(tenant=acme.tenant, words="unpaid", actor="test")
    with pytest.raises(Forbidden, match="suspended"):
        let_in(acme.caller(), now=clock.now(), ip=None)

    resume(tenant=acme.tenant, actor="test")

    let_in(acme.caller(), now=clock.now(), ip=None)
