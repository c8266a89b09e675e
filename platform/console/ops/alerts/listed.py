"""The alert rules and the alerts that they sent; the latter also as CSV."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase

from console.ops.access import Operator, Permission, rendered, staff
from console.ops.alerts.wording import badge_of, results_shown, sentence, worst_of
from console.parts.exports import Rows, csv_answer
from console.parts.filters import PAGE_ROWS, link_of
from console.parts.page_query import word_of
from generation.oversight.alerts import listing
from generation.oversight.alerts.listing import ListedRule, SentAlert
from generation.oversight.alerts.rules import MAX_RULES
from generation.oversight.conditions.kinds import title_of
from pictor.kit.words import clock, ids
from pictor.kit.words.money import to_decimal

ROWS_AT_ONCE = 200
"""Alerts on a page, and alerts that a CSV reads in one query."""
COLUMNS = (
    *("at", "rule", "is_test", "occasion", "kind", "about", "since", "words", "costs", "currency"),
    *("to", "results"),
)

RULE_COLUMNS = (
    *("rule", "state", "kinds", "costs_at_least", "currency", "minutes_old", "again_hours"),
    *("mails", "webhook", "matches_now", "last_told", "last_result", "trouble"),
)


@staff(Permission.SEE)
def rules(request: HttpRequest, operator: Operator) -> HttpResponseBase:
    """List the rules with the conditions they match now and their last alert; or removed rules."""
    is_removed = bool(word_of(request.GET, "show", ["removed"]))
    listed_rules = listing.list_rules(archived=is_removed, now=clock.now())
    if request.GET.get("format") == "csv":
        return csv_answer(
            "alert-rules.csv", RULE_COLUMNS, [[_csv_row(listed) for listed in listed_rules]]
        )
    context = {
        "rows": [
            (listed, sentence(listed.rule), badge_of(listed), worst_of(listed))
            for listed in listed_rules
        ],
        "is_removed": is_removed,
        "csv": link_of({"show": "removed" if is_removed else ""}, format="csv"),
        "is_full": not is_removed and len(listed_rules) >= MAX_RULES,
        "most": MAX_RULES,
    }
    return rendered(request, operator, "ops/alerts.html", context)


@staff(Permission.SEE)
def sent(request: HttpRequest, operator: Operator) -> HttpResponseBase:
    if request.GET.get("format") == "csv":
        return csv_answer("alerts.csv", COLUMNS, _pages())
    after = ids.parse_uuid(request.GET.get("after", ""))
    alerts = listing.sent_alerts(after=after, limit=PAGE_ROWS + 1)
    context = {
        "alerts": shown(alerts[:PAGE_ROWS]),
        "names_rule": True,
        "newest": "?" if after is not None else "",
        "older": f"?after={alerts[PAGE_ROWS - 1].sending.id}" if alerts[PAGE_ROWS:] else "",
    }
    return rendered(request, operator, "ops/alerts_sent.html", context)


def shown(alerts: list[SentAlert]) -> list[object]:
    """Return the alerts for a list, each with its conditions and the result per destination."""
    return [
        {
            "sending": alert.sending,
            "results": results_shown(alert),
            "items": [(item, title_of(item.kind)) for item in alert.sending.items.all()],
        }
        for alert in alerts
    ]


def _csv_row(listed: ListedRule) -> Sequence[object]:
    rule, last = listed.rule, listed.last
    return [
        rule.name, badge_of(listed)[1], "" if rule.kinds is None else ", ".join(rule.kinds),
        "" if rule.least_micros is None else to_decimal(rule.least_micros), "USD",
        rule.least_minutes, rule.repeat_hours, ", ".join(rule.mails), "yes" if rule.url else "no",
        len(listed.matching), last.at if last else "",
        worst_of(listed)[1] if last else "", listed.trouble,
    ]  # fmt: skip


def _pages() -> Iterator[Rows]:
    after: UUID | None = None
    while page := listing.sent_alerts(after=after, limit=ROWS_AT_ONCE):
        yield [row for alert in page for row in _rows(alert)]
        after = page[-1].sending.id


def _rows(alert: SentAlert) -> Rows:
    """Return a line for each condition of an alert; one line for a test."""
    sending = alert.sending
    head = [sending.at, sending.rule.name, "yes" if sending.is_test else "no"]
    to = "; ".join(result.shown for result in alert.results)
    tail = [to, "; ".join(result.words for result in alert.results)]
    if sending.is_test:
        return [[*head, "", "", "", "", "", "", "", *tail]]
    return [
        [
            *head, item.occasion, item.kind, item.object, item.opened_at, item.words,
            "" if item.micros is None else to_decimal(item.micros), "USD", *tail,
        ]
        for item in sending.items.all()
    ]  # fmt: skip
