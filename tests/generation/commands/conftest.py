"""Commands as an operator runs them, and a customer whose generations are rows with true books."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from accounts.services.office.api_keys import issue_api_key
from accounts.services.office.tenants import create_tenant
from billing.services import Hold, Usage, end_hold, record_usage
from generation.models import Attempt, Channel, Generation
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros
from storage.models import StoredImage
from tests.making.factories import place_hold
from tests.making.seeds import sow

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Output:
    """Output of a command, and its error if it failed."""

    out: str
    err: str
    error: str | None


@pytest.fixture(autouse=True)
def _nobody_types(monkeypatch):
    """Every prompt finds the end of the input."""
    monkeypatch.setattr("sys.stdin", StringIO())


@pytest.fixture
def manage() -> Callable[..., Output]:
    """`manage.py` in this process."""

    def run(*words: str) -> Output:
        out, err = StringIO(), StringIO()
        try:
            call_command(*words, stdout=out, stderr=err)
        except CommandError as error:
            return Output(out.getvalue(), err.getvalue(), str(error))
        return Output(out.getvalue(), err.getvalue(), None)

    return run


@pytest.fixture
def seeded() -> None:
    """Contracts and prices."""
    sow()


@pytest.fixture
def sandbox_url(settings, sandbox_server):
    """The address of a running sandbox upstream that channels may call."""
    settings.EGRESS_ALLOW = frozenset({urlsplit(sandbox_server).netloc})
    return f"{sandbox_server}/v1"


class CommandCustomer:
    """A tenant with 10 USD and a key; generations of its own, made without the pipeline."""

    def __init__(self, name: str) -> None:
        self.tenant = create_tenant(name=name, opening_balance=Micros(10_000_000), actor="test")
        self.key, _ = issue_api_key(tenant=self.tenant, name=name, actor="test")

    def admit(self, held: int, *, is_held: bool = True, is_written: bool = True) -> Generation:
        """A queued generation and its hold; either can be left out."""
        generation = Generation(
            id=new_uuid(), tenant=self.tenant, api_key=self.key, model="gpt-image-2",
            prompt="a fox\nin the snow", n=1, size_requested="1:1", size="1024x1024", tier="base",
            quality_requested="low", response_format="url", output_format="png", priced={},
            held_micros=held, created_at=NOW, deadline_at=NOW + timedelta(minutes=8),
        )  # fmt: skip
        with transaction.atomic():
            if is_held:
                place_hold(
                    tenant_id=self.tenant.id,
                    key_id=self.key.id,
                    generation_id=generation.id,
                    amount=Micros(held),
                    now=NOW,
                )
            if is_written:
                generation.save(force_insert=True)
        return generation

    def end(self, generation: Generation, state: str, captured: int, *, images: int = 1) -> None:
        """Settle or release the generation."""
        with transaction.atomic():
            Generation.objects.filter(id=generation.id).update(
                state=state, captured_micros=captured, finished_at=NOW
            )
            hold = Hold(
                self.tenant.id, self.key.id, generation.id, Micros(generation.held_micros), NOW
            )
            end_hold(hold=hold, captured=Micros(captured))
            record_usage(Usage(
                tenant_id=self.tenant.id, key_id=self.key.id, model=generation.model,
                tier=generation.tier, channel="", status=state, at=NOW, images=images,
                captured=Micros(captured),
                took=NOW - generation.created_at if state == "succeeded" else None,
            ))  # fmt: skip
            for index in range(images):
                self.store(generation, index)

    def store(self, generation: Generation, index: int = 0) -> StoredImage:
        """An image's row."""
        return StoredImage.objects.create(
            tenant=self.tenant, generation_id=generation.id, index=index,
            object_key=f"2026-11-20/{generation.id}/1-{index}.png", content_type="image/png",
            format="png", size_bytes=50_000, sha256="0" * 64, width=1024, height=1024,
            expires_at=NOW + timedelta(days=30),
        )  # fmt: skip


@pytest.fixture
def acme(db):
    return CommandCustomer("acme")


@pytest.fixture
def make_customer(db):
    return CommandCustomer


@pytest.fixture
def price(seeded, monkeypatch):
    """Run `manage.py price`; `typed` is its standard input."""

    def run(*arguments: str, typed: str = "") -> str:
        monkeypatch.setattr("sys.stdin", StringIO(typed))
        out = StringIO()
        call_command("price", *arguments, stdout=out)
        return out.getvalue()

    return run


@pytest.fixture
def exported(price, tmp_path):
    """Everyone's prices in a file."""
    file = tmp_path / "prices.csv"
    file.write_text(price("export"))
    return file


@pytest.fixture
def settled(acme: CommandCustomer) -> Generation:
    """A generation that the vendor delivered by its one call."""
    generation = acme.admit(5_880)
    acme.end(generation, "succeeded", 5_880)
    channel = Channel.objects.create(
        name="vendor", kind="openai", base_url="https://api.example.com/v1"
    )
    Attempt.objects.create(
        generation=generation, dispatch=1, number=1, channel=channel, upstream_model="gpt-image-2",
        upstream_size="1024x1024", attempt_class="delivered", http_status=200,
        upstream_request_id="req_7",
    )  # fmt: skip
    return generation
