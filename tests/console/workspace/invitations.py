"""Invitations as members send them, and the people who follow their links."""

import re

from django.test import Client

from accounts.models import Mail, User
from accounts.services.office.people import create_user
from pictor.kit.words import clock
from tests.console.workspace.conftest import url
from tests.making.factories import PayingCustomer


def invited(client: Client, customer: PayingCustomer, email: str, role: str = "developer") -> str:
    """The invitation link in the mail."""
    client.post(url("member_invite", customer), {"email": email, "role": role})
    sent = Mail.objects.get(to=email.lower())
    return str(re.findall(r"http://testserver(/invite/\S+)", sent.text)[0])


def newcomer(email: str, *, is_verified: bool = True) -> Client:
    user = create_user(email=email, password=None, actor="test")
    verified = clock.now() if is_verified else None
    User.objects.filter(id=user.id).update(email_verified_at=verified)
    client = Client()
    client.force_login(User.objects.get(id=user.id))
    return client
