"""Programs at the door /ops/v1/, each with an operator key."""

import json
from datetime import timedelta
from typing import Any

from django.test import Client

from accounts.models import User
from accounts.services.office.operator_keys import KeyTerms, issue_operator_key
from pictor.kit.words import clock, ids

DOOR = "/ops/v1/"


class Program:
    """A program with a key."""

    def __init__(self, text: str) -> None:
        self._client = Client(enforce_csrf_checks=True)
        self._headers = {"Authorization": f"Bearer {text}"}

    def get(self, path: str) -> Any:
        return self._client.get(f"{DOOR}{path}", headers=self._headers)

    def post(self, path: str, sent: object) -> Any:
        body = sent if isinstance(sent, str) else json.dumps(sent)
        return self._client.post(
            f"{DOOR}{path}", body, content_type="application/json", headers=self._headers
        )

    def preview(self, act: str, subject: str, **fields: Any) -> Any:
        return self.post(f"acts/{act}/preview", {"subject": subject, "fields": fields})

    def do(self, act: str, subject: str, *, confirm: str = "", **fields: Any) -> Any:
        shown = self.preview(act, subject, **fields)
        token = shown.json().get("token")
        sent = {"subject": subject, "fields": fields, "token": token, "confirm": confirm}
        return self.post(f"acts/{act}", sent) if token else shown


def new_key(maker: User, **terms: Any) -> str:
    usual: dict[str, Any] = {
        "permissions": ["see", "money", "tenants", "generations", "erase", "staff"],
        "acts": ["tenant.credit", "tenant.top_up", "tenant.suspend", "tenant.resume"],
        "ip_ranges": [],
        "expires_at": clock.now() + timedelta(days=30),
    }
    _, text = issue_operator_key(
        name="shop", terms=KeyTerms(**{**usual, **terms}), once=ids.new_uuid(), now=clock.now(),
        by={"actor": maker, "ip": None},
    )  # fmt: skip
    return text


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["message"]
