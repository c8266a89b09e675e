"""Texts sealed or stored by one release are read by the next; samples are from 9fb68fc."""

from datetime import UTC, datetime

import pytest
from django.contrib.sessions.models import Session

from accounts.models import Mail
from accounts.sign_in.sessions import SessionStore

KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
SECRET_KEY = "fifty-characters-of-a-secret-that-is-only-for-tests-x"
MAIL = (
    "gAAAAABrB4coLy4Dz8QuQ3RLLpvDdv_kxFhO36hB5Axptkjken-mCJTY4r25ayNqeVLOgonOMC3enXdFHSa26eXhcMTJ"
    "eYGU_2vy8cry6HHTZbCnKPD5Iw0lID3bayuwwhokJ6z6FGFZ"
)
SESSION = (
    "gAAAAABrB4coWxYoL6aiPEJ375zJEPGwSjNwAF5ZxRinDvZotNNpo_-0wXl3wzxoOJuhX3sE2DWrSdJoBU5ezUcLToJF"
    "8VFEhylkDus09fLJE4MZr7fz97SG2L-xoeezurLI-sYZmVJrlloslkTAy-4yBpUQbdK_BVzaBc38Rh7t6w7dvRbDEOsk"
    "NigljvrqUsmCX0Un5xRqzfj-QbOu4nJee_KWWiJf6Q=="
)
OF_32_A = "3ba3f5f43b92602683c19aee62a20342b084dd59"


@pytest.fixture(autouse=True)
def keys(settings):
    settings.ENCRYPTION_KEYS = [KEY]
    settings.SECRET_KEY = SECRET_KEY


def test_mail_that_the_release_before_has_posted_is_sent():
    mail = Mail(contents=MAIL)

    assert (mail.subject, mail.text, mail.html) == ("Code: 1", "It is 1", "<p>It is 1</p>")


def test_a_session_of_the_previous_release_is_signed_in(db):
    Session.objects.create(
        session_key=OF_32_A, session_data=SESSION, expire_date=datetime(2100, 1, 1, tzinfo=UTC)
    )

    assert SessionStore("a" * 32).load() == {"_auth_user_id": "7", "code": "482913"}
