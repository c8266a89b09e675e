"""For each act what it is about, fields that fit, who may do it, and what is recorded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from generation.background.image_origins import fill_origins
from generation.catalogue.model_files import written
from generation.catalogue.services import shipped
from generation.models import Attempt, BillLine
from pictor.kit.words import clock
from storage.models import StoredImage
from tests.console.ops.ladder import world as about
from tests.console.ops.ladder.world import World
from tests.making.factories import ORIGIN

MONEY = {"finance", "owner"}
REFUND = {"support", "finance", "owner"}
OPERATE = {"operator", "owner"}
OWNERS = {"owner"}
GIFT = {"note": "ticket 7", "words": "Sorry"}
PAID = {"amount": "5", "reason": "sorry", "note": "n"}
ASKED = "asked for a change of the members:"
DEV = {"email": "dev@acme.example"}
EVE = {"email": "eve@acme.example"}
NOTE = "staff.note"
NO_OWNER = "Only an owner makes keys for programs."
ERASURE = ["tenant.delete", "tenant.status", *["api_key.revoke"] * 3, *["member.remove"] * 3]
Fields = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """An act as one does it.

    Attributes:
        roles: the staff roles that may do it.
        audit: the actions of the events that it records.
        at_shell: those at the shell, if they differ; or the sentence that refuses it there.
        about: makes what it is about, and returns its id; None for an act about nothing.
        fields: what is typed, or makes it.
        confirm: what is typed to confirm it.
        log: what was done, as the tenant's log says it; `…` stands for an id. None if the act is
            about no tenant.
        is_mailed: True if the tenant's owner gets a mail about it.
    """

    roles: set[str]
    audit: list[str]
    at_shell: list[str] | str | None = None
    about: Callable[[World], str] | None = about.of_tenant
    fields: Fields | Callable[[World], Fields] = field(default_factory=dict)
    confirm: str = ""
    log: str | None = None
    is_mailed: bool = False

    def records(self, action: str) -> bool:
        return action in {*self.audit, *(self.at_shell or []), *([] if self.audit else [""])}

    def subject(self, world: World) -> str:
        return self.about(world) if self.about else ""

    def typed(self, world: World) -> Fields:
        return self.fields(world) if callable(self.fields) else self.fields


def generation(kind: str) -> Callable[[World], str]:
    return lambda world: world.generations[kind].public_id


def line_that_differs(world: World) -> list[str]:
    return [str(BillLine.objects.get(number=2).pk)]


def candidate(world: World) -> Fields:
    return {"call": str(Attempt.objects.filter(cost_micros=40_000).earliest("pk").pk)}


def lately(world: World) -> Fields:
    moments = (clock.now() + timedelta(minutes=minutes) for minutes in (-30, 30))
    since, until = (f"{at:%Y-%m-%d %H:%M} UTC" for at in moments)
    return {"since": since, "until": until, **GIFT}


def findable(world: World) -> Fields:
    fill_origins(now=clock.now())
    image = StoredImage.objects.get(generation_id=world.generations["delivered"].id)
    return {"sha256": image.sha256}


def _money(kind: str, **more: str) -> Sample:
    return Sample(roles=MONEY, audit=[f"balance.{kind}", NOTE], fields=PAID | more)


SAMPLES: Mapping[str, Sample] = {
    "alert.test": Sample(roles=OPERATE, audit=["alert.test"], about=about.rule),
    "alert.enable": Sample(roles=OPERATE, audit=["alert.enable"], about=about.proved_rule),
    "alert.disable": Sample(roles=OPERATE, audit=["alert.disable"], about=about.enabled_rule),
    "alert.remove": Sample(roles=OPERATE, audit=["alert.remove"], about=about.rule),
    "alert.restore": Sample(roles=OPERATE, audit=["alert.restore"], about=about.removed_rule),
    "bill.take": Sample(
        roles=MONEY, audit=["cost.correction"], about=about.bill,
        fields=lambda world: {"line": line_that_differs(world), "reason": "so"},
    ),
    "bill.dispute": Sample(
        roles=MONEY, audit=["bill.dispute"], about=about.bill,
        fields=lambda world: {"line": line_that_differs(world), "words": "so"},
    ),
    "bill.accept": Sample(roles=MONEY, audit=["bill.accept"], about=about.doubtful_bill),
    "bill.again": Sample(roles=MONEY, audit=["bill.match"], about=about.bill),
    "bill.forget": Sample(roles=MONEY, audit=["bill.forget"], about=about.bill),
    "bill.put_back": Sample(
        roles=MONEY, audit=["cost.correction"], about=about.taken_line, fields={"reason": "so"}
    ),
    "bill.withdraw": Sample(roles=MONEY, audit=["bill.agree"], about=about.disputed_line),
    "bill.pick": Sample(
        roles=MONEY, audit=["bill.pick"], about=about.unsure_line, fields=candidate
    ),
    "channel.enable": Sample(
        roles=OPERATE, audit=["channel.enable"], about=about.paused, confirm="spare"
    ),
    "channel.pause": Sample(
        roles=OPERATE, audit=["channel.disable"], about=about.serving, fields={"reason": "slow"}
    ),
    "channel.swap": Sample(
        roles=OPERATE, audit=["channel.swap"], about=about.revised, confirm="spare"
    ),
    "channel.discard": Sample(roles=OPERATE, audit=["channel.discard"], about=about.revised),
    "channel.route": Sample(
        roles=OPERATE, audit=["channel.set"], about=about.beside_a_new_model,
        fields={"model": "new", "upstream_model": "theirs"},
    ),
    "channel.weigh": Sample(
        roles=OPERATE, audit=["channel.set"], about=about.serving,
        fields={"priority": "5", "weight": "2"},
    ),
    "channel.reset": Sample(roles=OPERATE, audit=["channel.reset"], about=about.serving),
    "channel.archive": Sample(
        roles=OPERATE, audit=["channel.archive"], about=about.used, confirm="acme-openai"
    ),
    "model.import": Sample(
        roles=OPERATE, audit=["contract.set"], about=None,
        fields={"file": written(replace(shipped("dall-e-3"), model="fox-1", prices=()))},
    ),
    "model.disable": Sample(roles=OPERATE, audit=["contract.disable"], about=lambda _: ORIGIN),
    "model.enable": Sample(
        roles=OPERATE, audit=["contract.confirm", "contract.enable"], about=about.model_off,
        confirm="52", fields={"reason": "a promotion"},
    ),
    "payment.follow": Sample(roles=MONEY, audit=[], about=about.paid),
    "payment.pay_back": Sample(
        roles=MONEY, audit=["balance.pay_back"], about=about.paid, fields={"amount": "5"},
        log="began to pay a payment back",
    ),
    "price_book.publish": Sample(roles=OWNERS, audit=["price_book.publish"], about=about.draft),
    "model.delete": Sample(
        roles=OPERATE, audit=["contract.delete"], about=about.new_model, confirm="new"
    ),
    "generations.refund": Sample(
        roles=MONEY, audit=["balance.refund", NOTE], about=None, confirm="1", log="refunded",
        fields=lambda world: {"generation": [generation("delivered")(world)], **GIFT},
    ),
    "outage.credit": Sample(
        roles=MONEY, audit=["balance.credit", NOTE], about=None, confirm="1", log="gave a credit",
        fields=lately,
    ),
    "generation.refund": Sample(
        roles=REFUND, audit=["balance.refund", NOTE], about=generation("delivered"), log="refunded",
        fields={"amount": "0.02", **GIFT},
    ),
    "generation.credit": Sample(
        roles=REFUND, audit=["balance.credit", NOTE], about=generation("failed"),
        fields={"amount": "1", **GIFT}, log="gave a credit",
    ),
    "generation.cancel": Sample(
        roles=OPERATE, audit=["generation.cancel"], about=generation("waiting"),
        fields={"reason": "they asked"}, log="canceled the generation gen_…",
    ),
    "generation.fail": Sample(
        roles=OPERATE, audit=["generation.fail"], about=generation("running"),
        fields={"reason": "they asked"}, log="ended the generation gen_… as failed",
    ),
    "generation.ring": Sample(roles=OPERATE, audit=[], about=generation("waiting")),
    "generation.look_up": Sample(
        roles=REFUND | OPERATE, audit=["generation.look_up"], about=None, fields=findable,
        log="found the generation gen_… by a file or its digest",
    ),
    "tenant.create": Sample(
        roles=OPERATE, audit=["tenant.create", "api_key.issue"], about=None,
        fields={"name": "Beta", "max_in_flight": "4"},
    ),
    "key.create": Sample(
        roles=OPERATE, audit=["api_key.issue"], fields={"name": "new"},
        log="created the key new", is_mailed=True,
    ),
    "tenant.invite": Sample(
        roles=OPERATE, audit=["member.ask"], fields={**EVE, "role": "viewer"},
        at_shell="use tenant invite.",
        log=f"{ASKED} Invite eve@acme.example as viewer",
    ),
    "tenant.uninvite": Sample(
        roles=OPERATE, audit=["member.uninvite"], about=about.invited, fields=EVE,
        log="withdrew the invitation of eve@acme.example", is_mailed=True,
    ),
    "tenant.role": Sample(
        roles=OPERATE, audit=["member.ask"], fields={**DEV, "role": "viewer"},
        at_shell=["member.set"],
        log=f"{ASKED} dev@acme.example: developer → viewer",
    ),
    "tenant.remove": Sample(
        roles=OPERATE, audit=["member.ask"], fields={**DEV, "keys": "revoke"},
        at_shell=["api_key.revoke", "member.remove"],
        log=f"{ASKED} Remove dev@acme.example (developer); the keys they made are revoked",
    ),
    "key.revoke": Sample(
        roles=OPERATE, audit=["api_key.revoke"], about=lambda world: world.key.public_id,
        log="revoked the key key_…", is_mailed=True,
    ),
    "tenant.export": Sample(
        roles=OPERATE, audit=["tenant.export_ask"], log="asked for an export",
        at_shell="use tenant export.",
    ),
    "tenant.erase": Sample(
        roles=OWNERS, audit=ERASURE, confirm="acme", log="deleted the workspace",
        is_mailed=True,
    ),
    "tenant.limits": Sample(
        roles=OPERATE, audit=["tenant.change"], log="changed the workspace's name or limits",
        fields=lambda world: {
            "name": "acme", "max_in_flight": "4",
            "prompt_retention_days": world.acme.tenant.prompt_retention_days or "",
        },
    ),
    "tenant.top_up": _money("top_up"),
    "tenant.credit": Sample(
        roles=MONEY, audit=["balance.credit", NOTE], fields=PAID, log="gave a credit"
    ),
    "tenant.adjustment": _money("adjustment"),
    "tenant.reversal": _money("reversal", seq="1"),
    "tenant.suspend": Sample(
        roles=OPERATE, audit=["tenant.status"], fields={"words": "unpaid"},
        log="suspended the workspace",
    ),
    "tenant.resume": Sample(
        roles=OPERATE, audit=["tenant.status"], about=about.suspended,
        log="resumed the workspace", is_mailed=True,
    ),
    "operator_key.create": Sample(
        roles=OWNERS, audit=["operator_key.issue"], about=None, at_shell=NO_OWNER,
        fields={"name": "other", "permissions": ["see"], "days": "30"},
    ),
    "operator_key.rotate": Sample(
        roles=OWNERS, audit=["operator_key.issue", "operator_key.rotate"], at_shell=NO_OWNER,
        about=lambda world: str(world.program_key.pk),
    ),
    "operator_key.revoke": Sample(
        roles=OWNERS, audit=["operator_key.revoke"], confirm="shop",
        about=lambda world: str(world.program_key.pk),
    ),
}  # fmt: skip
BY_PEOPLE_ONLY = {
    *("operator_key.create", "operator_key.rotate", "operator_key.revoke", "tenant.erase"),
}
"""Acts that no program does, whatever its key may."""
FOR_ALL_STAFF = {"generation.look_up"}
"""Acts that need only the permission to see."""
DONE_AGAIN = {
    "alert.test": "another test is sent",
    "channel.reset": "breakers that opened since are forgotten as well",
    "generation.look_up": "another look is recorded",
}
"""Acts that a form sent twice does twice, each with the reason."""
SENT_AGAIN = {
    200: {"generation.look_up", "generations.refund"},
    404: {"bill.forget", "model.delete", "operator_key.revoke"},
    422: {
        *("alert.remove", "bill.accept", "bill.again", "bill.put_back", "bill.withdraw"),
        *("bill.pick", "channel.swap", "channel.discard", "channel.route", "outage.credit"),
        *("generation.cancel",),
        *("generation.fail", "key.create", "tenant.invite"),
        *("tenant.uninvite", "tenant.role"),
        *("tenant.remove", "tenant.export", "tenant.erase", "tenant.top_up", "tenant.reversal"),
        *("tenant.suspend", "tenant.resume", "operator_key.create", "operator_key.rotate"),
    },
}
"""The answers to a form that is sent twice, other than 303, with the acts that give each."""
WITHOUT_A_FRESH_FACTOR = {"channel.discard", "generation.ring"}
