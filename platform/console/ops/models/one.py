"""One model: its contract, channels, prices, buyers, sunset and history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from accounts.models import AuditEvent, Tenant
from accounts.selectors.office.audit import installation_events_about
from accounts.selectors.office.tenants import tenants_among
from billing.models import PriceBook
from billing.selectors import book_in_force
from billing.selectors.office.buyers import Buyer
from billing.selectors.office.sold import sold_until
from billing.services.office.model_prices import open_draft, prices_of
from console.ops.access import Mode, Operator, Permission, modes_of, or_404, rendered, staff
from console.ops.models.rows import ModelRow
from console.parts.audit_events import ChangedValue, changes_of
from console.parts.filters import link_of
from generation.catalogue import services
from generation.catalogue.contracts import AUTO, SizeOption
from generation.catalogue.model_files import written
from generation.channels.declaration import Task
from generation.channels.retirements import end_of
from generation.models import Contract, Route
from generation.oversight.contract_review import promises_of
from generation.oversight.model_list import LOOK_BACK_DAYS, ListedModel, listed_models
from generation.selectors import contract_by_name
from pictor.kit.words import clock

MAX_TENANTS = 10
SHOWN_EVENTS = 20
CLOCKS_APART = timedelta(minutes=1)
_FEW = 4
"""Changes shown before unfolding."""
_ACTIONS: Mapping[str, str] = {
    "contract.set": "Promise changed",
    "contract.confirm": "Prices below cost confirmed",
    "contract.enable": "Switched on",
    "contract.disable": "Switched off",
    "contract.sunset": "End announced",
    "contract.keep": "End withdrawn",
}


@dataclass(frozen=True, slots=True)
class ShownSize:
    """A size with its option, the number of its prices, and whether no channel makes it."""

    size: str
    option: SizeOption | None
    priced: int
    cells: int
    is_unmade: bool


@dataclass(frozen=True, slots=True)
class ModelRoute:
    """A route, and the share of requests for the usual size that go to it first."""

    route: Route
    percent: float

    @property
    def sizes(self) -> Sequence[str] | None:
        """The sizes that the channel takes natively; None for every size."""
        return self.route.sizes if self.route.sizes is not None else self.route.channel.sizes

    @property
    def ends_on(self) -> date | None:
        """The first day without the model at the vendor; None if no end is known."""
        return end_of(
            base_url=self.route.channel.base_url,
            upstream_model=self.route.upstream_model,
            entered=self.route.retires_on,
        )


@dataclass(frozen=True, slots=True)
class ModelEvent:
    event: AuditEvent

    @property
    def words(self) -> str:
        if self.event.action == "contract.set" and self.event.before is None:
            return "Created"
        return _ACTIONS.get(self.event.action, self.event.action)

    @property
    def changes(self) -> Sequence[ChangedValue]:
        before = None if self.event.before is None else promises_of(self.event.before)
        return changes_of(before, promises_of(self.event.after or {}))

    @property
    def is_short(self) -> bool:
        return len(self.changes) <= _FEW

    @property
    def may_go_back(self) -> bool:
        """True if it changed the contract, so that the former values can be restored."""
        return self.event.action == "contract.set" and self.event.before is not None


@staff(Permission.SEE)
def model(request: HttpRequest, operator: Operator, model: str) -> HttpResponse:
    found = facts_of(model.replace("\0", ""), operator.mode)
    sales = {"model": found.terms.model, "mode": operator.mode.query}
    context = {
        "row": ModelRow(found),
        "terms": found.terms,
        "book": book_in_force(None, clock.now()) if found.unpriced else None,
        "draft": _draft_of(found) if found.unpriced else None,
        "tasks": [task.value for task in Task if task in found.terms.tasks],
        "aliases": list(found.terms.quality_aliases.items()),
        "sizes": _sizes(found),
        "routes": _routes(found),
        "buyers": _buyers(found.buyers),
        "more_buyers": max(0, found.users - MAX_TENANTS),
        "events": [ModelEvent(event) for event in events_of(found.terms.model)],
        "modes": modes_of(operator),
        "mode": operator.mode.query,
        "margin": reverse("ops:margin") + link_of({"by": "tenant", **sales}),
        "margin_by_cell": reverse("ops:margin") + link_of({"by": "cell", **sales}),
        "days": LOOK_BACK_DAYS,
        "until": sold_until(),
    }
    return rendered(request, operator, "ops/model.html", context)


@staff(Permission.SEE)
def file(request: HttpRequest, operator: Operator, model: str) -> HttpResponse:
    """The model's file, which `model.import` takes."""
    found = model_or_404(model)
    answer = HttpResponse(written(services.file_of(found)), content_type="application/toml")
    answer["Content-Disposition"] = f'attachment; filename="{found.model}.toml"'
    return answer


def _draft_of(found: ListedModel) -> PriceBook | None:
    """The draft of everyone's next book, if it has prices of the model."""
    draft = open_draft()
    return draft if draft and prices_of(found.terms.model) else None


def model_or_404(model: str) -> Contract:
    return or_404(contract_by_name(model))


def facts_of(model: str, mode: Mode) -> ListedModel:
    """Return a model with its sales in one mode. Raises Http404."""
    rows = listed_models(mode=mode.value, now=clock.now(), model=model) if model else []
    if not rows:
        raise Http404
    return rows[0]


def _sizes(model: ListedModel) -> list[ShownSize]:
    terms = model.terms
    options = {str(option.size): option for option in terms.options}
    lacking = [key[1] for key in model.unpriced]
    each = sum(word != AUTO for word in terms.qualities)
    return [
        ShownSize(
            size=size,
            option=options.get(size),
            priced=each - lacking.count(size),
            cells=each,
            is_unmade=size in model.unmade,
        )
        for size in terms.priced_sizes
    ]


def _routes(model: ListedModel) -> list[ModelRoute]:
    shares = {serving.channel_id: 100 * serving.share for serving in model.serving}
    shown = [ModelRoute(row, shares.get(row.channel_id, 0.0)) for row in model.routes]
    return sorted(shown, key=lambda route: -route.percent)


def _buyers(buyers: Sequence[Buyer]) -> list[tuple[Tenant, Buyer]]:
    most = [buyer for buyer in buyers if buyer.tenant_id and buyer.figures.images > 0][:MAX_TENANTS]
    tenants = tenants_among([buyer.tenant_id for buyer in most if buyer.tenant_id])
    return [(tenants[buyer.tenant_id], buyer) for buyer in most if buyer.tenant_id in tenants]


def events_of(model: str) -> list[AuditEvent]:
    return installation_events_about(
        "contract", model[:60], before=clock.now() + CLOCKS_APART, limit=SHOWN_EVENTS
    )
