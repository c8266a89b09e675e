"""`manage.py price ACTION`: price books and shared lists; drafts are in `price_drafts`."""

import shlex
from argparse import _SubParsersAction
from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any

from django.core.management.base import CommandParser
from typing_extensions import override

from accounts.management.operator import ACTOR, ask, ask_for, found, read_tenant, read_time
from billing import price_csv
from billing.management.price_drafts import DraftActions, add_draft_actions
from billing.management.price_facts import (
    book_facts,
    change_lines,
    changes_of,
    date_of,
    follower_lines,
    followers,
    forecast_words,
)
from billing.management.price_words import (
    BOOK_HELP,
    read_book,
    read_list,
    read_markup,
    read_number,
    read_owner,
    read_rows,
)
from billing.models import PriceBook
from billing.price_changes import LARGE_PERCENT, digest_of_changes
from billing.price_stops import Confirmed, Stops
from billing.selectors import SCHEDULED, book_in_force, numbers_of, price_books, rows_of, state_of
from billing.selectors.office.price_lists import list_of, price_lists
from billing.selectors.office.price_stops import (
    assignment_of,
    outlook_of,
    stops_of,
    stops_of_withdrawal,
)
from billing.selectors.office.whatif import would_have_brought
from billing.services.office.price_lists import (
    NO_LIST,
    assign_price_list,
    create_price_list,
    rename_price_list,
)
from billing.services.office.prices import (
    draft_price_book,
    publish_price_book,
    restore_price_book,
    withdraw_price_book,
)
from pictor.kit.words import clock

MEANING = {
    "draft": "to begin at",
    "scheduled": "to take over at",
    "current": "in force since",
    "past": "once in force from",
    "withdrawn": "so it will not begin at",
}
LARGE = f"what sold in the last 30 days changes by more than {LARGE_PERCENT} %%"
BELOW = "a price falls below cost"


class Command(DraftActions):
    help = (
        "List, import, change, compare, publish, withdraw and restore price books. Assign shared"
        " lists to tenants. Amounts are in dollars."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        every = actions.add_parser("list", help="list all books, latest first")
        export = actions.add_parser("export", help="print a book as CSV")
        export.add_argument("--book", metavar="BOOK", help=f"{BOOK_HELP}; default: everyone's")
        draft = actions.add_parser("import", help="import a CSV as a book's next version, a draft")
        draft.add_argument("file", help="'-' reads standard input")
        draft.add_argument("--name", required=True)
        terms = draft.add_mutually_exclusive_group()
        terms.add_argument("--markup", metavar="X", help="factor for prices; default: as now")
        terms.add_argument("--only", metavar="MODEL", help="only its prices; others stay as now")
        whose = draft.add_mutually_exclusive_group()
        whose.add_argument("--tenant", help="its owner, by name or id; default: everyone")
        whose.add_argument("--list", metavar="LIST", help="the shared list that owns it, by name")
        draft.add_argument("--from", dest="begins", metavar="TIME", help="ISO 8601; default: now")
        diff = actions.add_parser("diff", help="show what a book changes and would have earned")
        diff.add_argument("book", help=BOOK_HELP)
        diff.add_argument("--demo", action="store_true", help="earned by the demo data")
        for action, words in (
            ("publish", "put a draft in force from now, or from its later date; this is final"),
            ("restore", "put a former book in force again, from now on"),
        ):
            final = actions.add_parser(action, help=words)
            final.add_argument("book", help=BOOK_HELP)
            _add_confirmation(final)
            final.add_argument("--json", action="store_true")
        actions.choices["publish"].add_argument(
            "--from", dest="begins", metavar="TIME", help="ISO 8601; default: now or the draft's"
        )
        actions.choices["restore"].add_argument(
            "--withdraw",
            action="append",
            default=[],
            metavar="BOOK",
            help="a scheduled book to withdraw with it; repeatable",
        )
        back = actions.add_parser("withdraw", help="withdraw a scheduled book before it begins")
        back.add_argument("book", help=BOOK_HELP)
        _add_confirmation(back)
        for subparser in (every, draft, diff, back):
            subparser.add_argument("--json", action="store_true")
        add_draft_actions(actions)
        _add_list_actions(actions)

    def _list(self, options: dict[str, Any]) -> None:
        books = price_books(clock.now())
        rows = [
            f"{book.known_as}  {_owner(book)}"
            f"  x{book.markup.normalize():f}  {date_of(book)}  {book.state}"
            for book in books
        ]
        self.tell(options, [{**book_facts(book), "state": book.state} for book in books], *rows)

    def _export(self, options: dict[str, Any]) -> None:
        book = read_book(options["book"]) if options["book"] else book_in_force(None, clock.now())
        self.stdout.write(price_csv.to_csv(rows_of(book)), ending="")

    def _import(self, options: dict[str, Any]) -> None:
        owner, begins = read_owner(options["tenant"], options["list"]), options["begins"]
        book = draft_price_book(
            name=options["name"].strip(),
            rows=read_rows(options["file"], owner=owner, only=options["only"]),
            effective_from=clock.now() if begins is None else read_time(begins),
            markup=read_markup(options["markup"]),
            tenant_id=owner,
            actor=ACTOR,
        )
        stops, prices = stops_of(book, clock.now()), numbers_of([book.id]).get(book.id, 0)
        self.tell(
            options,
            {**book_facts(book), "prices": prices, **changes_of(book, stops)},
            *change_lines(book, stops),
            f"{book.known_as} is a draft with {prices} prices."
            f" Put it in force by: manage.py price publish {book.known_as}",
        )

    def _diff(self, options: dict[str, Any]) -> None:
        book = read_book(options["book"])
        stops, state = stops_of(book, clock.now()), state_of(book, clock.now())
        what = would_have_brought(book, clock.now(), is_demo=options["demo"])
        self.tell(
            options,
            {
                **book_facts(book),
                "state": state,
                **changes_of(book, stops),
                "last_30_days": forecast_words(what),
            },
            *change_lines(book, stops),
            *what.lines,
            f"{book.known_as} is {state}, {MEANING[state]} {date_of(book)}",
        )

    def _publish(self, options: dict[str, Any]) -> None:
        book = read_book(options["book"])
        begins = read_time(options["begins"]) if options["begins"] else None
        shown = copy(book)
        shown.effective_from = begins or book.effective_from
        confirmed, seen = self._confirm(options, shown)
        now = clock.now()
        published = publish_price_book(
            book=book,
            actor=ACTOR,
            now=now,
            begins=begins or max(now, book.effective_from),
            confirmed=confirmed,
            seen=seen,
        )
        words = f"{book.known_as} is published, in force from {date_of(published)}"
        self._tell_in_force(options, published, words)

    def _restore(self, options: dict[str, Any]) -> None:
        book = read_book(options["book"])
        withdrawn = [read_book(text) for text in options["withdraw"]]
        confirmed, seen = self._confirm(options, book, withdrawn)
        again = restore_price_book(
            book=book,
            actor=ACTOR,
            now=clock.now(),
            withdrawn=withdrawn,
            confirmed=confirmed,
            seen=seen,
        )
        self._tell_in_force(
            options, again, f"{book.known_as} is in force again, as {again.known_as}"
        )

    def _tell_in_force(self, options: dict[str, Any], book: PriceBook, words: str) -> None:
        then = [book_facts(follower) for follower in followers(book)]
        self.tell(options, {**book_facts(book), "then": then}, words, *follower_lines(book))

    def _withdraw(self, options: dict[str, Any]) -> None:
        book = read_book(options["book"])
        confirmed, seen = _confirmation_in(options), None
        if not options["yes"] and state_of(book, clock.now()) == SCHEDULED:
            stops, seen = stops_of_withdrawal(book, clock.now()), outlook_of(book, clock.now())
            self._show(options, change_lines(book, stops))
            question = f"Withdraw these prices, due to begin at {date_of(book)}?"
            ask(self.aside(options), question)
            confirmed = self._complete(options, confirmed, stops)
        withdraw_price_book(book=book, actor=ACTOR, confirmed=confirmed, seen=seen)
        stays = book_in_force(book.tenant_id, clock.now())
        lines, then = [f"{book.known_as} is withdrawn, and never takes effect"], []
        if stays is not None:
            lines += [f"{stays.known_as} stays in force", *follower_lines(stays)]
            then = [book_facts(follower) for follower in followers(stays)]
        facts = {
            **book_facts(book),
            "in_force": None if stays is None else stays.known_as,
            "then": then,
        }
        self.tell(options, facts, *lines)

    def _lists(self, options: dict[str, Any]) -> None:
        lists = price_lists(clock.now())
        facts = [
            {
                "list": price_list.price_list.name,
                "tenants": price_list.tenants,
                "book": None if price_list.book is None else price_list.book.known_as,
                "cells": price_list.cells,
                "scheduled": price_list.scheduled,
            }
            for price_list in lists
        ]
        rows = [
            f"{row['list']}  {row['tenants']} tenants  {row['book'] or 'no book in force'}"
            f"  {row['cells']} prices"
            for row in facts
        ]
        self.tell(options, facts, *rows)

    def _list_create(self, options: dict[str, Any]) -> None:
        created = create_price_list(name=options["name"], actor=ACTOR)
        self.tell(
            options,
            {"list": created.name},
            f"{created.name} is a shared list. Give it prices by:"
            f" manage.py price import FILE --name NAME --list {shlex.quote(created.name)}",
        )

    def _list_rename(self, options: dict[str, Any]) -> None:
        former = found(read_list(options["list"]), f"{NO_LIST!r} is not a shared list")
        renamed = rename_price_list(price_list=former, name=options["name"], actor=ACTOR)
        words = f"{former.name} is now called {renamed.name}"
        self.tell(options, {"was": former.name, "list": renamed.name}, words)

    def _assign(self, options: dict[str, Any]) -> None:
        tenant, shared = read_tenant(options["tenant"]), read_list(options["list"])
        confirmed, seen, now = _confirmation_in(options), None, clock.now()
        chosen = shared.id if shared else None
        former = list_of(tenant.id)
        changes, stops = assignment_of(
            tenant_id=tenant.id, former=former.id if former else None, price_list=chosen, now=now
        )
        if not options["yes"] and former != shared:
            lines = [*map(str, changes), *map(str, stops.below), *stops.lines]
            self._show(options, lines or ["It changes no price."])
            ask(self.aside(options), f"Charge {tenant.name} these prices from now on?")
            confirmed = self._complete(options, confirmed, stops)
            seen = digest_of_changes(changes)
        assignment = assign_price_list(
            tenant_id=tenant.id,
            price_list=shared,
            actor=ACTOR,
            now=clock.now(),
            confirmed=confirmed,
            seen=seen,
        )
        named = shared.name if shared else "no shared list"
        words = f"{tenant.name} has {named}{'' if assignment else ' already'}"
        facts = {
            "tenant": tenant.public_id,
            "list": shared.name if shared else None,
            "changed_prices": len(changes) if assignment else 0,
            "since": assignment.since.isoformat() if assignment else None,
        }
        self.tell(options, facts, f"{words}; changed prices: {facts['changed_prices']}")

    def _show(self, options: dict[str, Any], lines: Iterable[str]) -> None:
        for line in lines:
            self.aside(options).write(line)

    def _confirm(
        self, options: dict[str, Any], book: PriceBook, withdrawn: Sequence[PriceBook] = ()
    ) -> tuple[Confirmed, str | None]:
        """Show the changes and ask, unless --yes is given; then allow only the ones shown."""
        confirmed = _confirmation_in(options)
        if options["yes"]:
            return confirmed, None
        gone = [book.pk for book in withdrawn]
        stops, seen = stops_of(book, clock.now(), withdrawn=gone), outlook_of(book, clock.now())
        lines = change_lines(book, stops, withdrawn=gone)
        self._show(options, [*lines, *follower_lines(book, withdrawn=gone)])
        ask(self.aside(options), "Charge these prices?")
        return self._complete(options, confirmed, stops), seen

    def _complete(self, options: dict[str, Any], confirmed: Confirmed, stops: Stops) -> Confirmed:
        """Ask for each needed confirmation that was not given; --yes gives none of them."""
        out = self.aside(options)
        reason, changes, below = confirmed.reason, confirmed.changes, confirmed.below_cost
        if stops.are_any and not reason:
            reason = ask_for(out, "Reason:")
        if stops.number_of_changes is not None and changes is None:
            changes = read_number(ask_for(out, "Number of changed prices:"))
        if stops.number_below_cost is not None and below is None:
            below = read_number(ask_for(out, "Number of new prices below cost:"))
        return Confirmed(reason, changes, below)


def _add_list_actions(actions: "_SubParsersAction[CommandParser]") -> None:
    shared = actions.add_parser("lists", help="show the shared lists")
    create = actions.add_parser("list-create", help="create a list, without prices or tenants")
    create.add_argument("name", metavar="NAME", help="customers who have it can see this")
    rename = actions.add_parser("list-rename", help="rename a shared list")
    rename.add_argument("list", metavar="LIST", help="by name")
    rename.add_argument("name", metavar="NEW", help="customers who have it can see this")
    assign = actions.add_parser("assign", help="assign a shared list to a tenant, from now on")
    assign.add_argument("tenant", help="name or id")
    assign.add_argument("list", metavar="LIST", help=f"by name, or: {NO_LIST}")
    _add_confirmation(assign)
    for subparser in (shared, create, rename, assign):
        subparser.add_argument("--json", action="store_true")


def _add_confirmation(parser: CommandParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--reason", metavar="TEXT", help=f"a reason, needed if {LARGE}, or {BELOW}")
    parser.add_argument(
        "--changes", metavar="N", help=f"the number of changed prices, needed if {LARGE}"
    )
    parser.add_argument(
        "--below-cost", metavar="N", help=f"the number of such prices, needed if {BELOW}"
    )


def _owner(book: PriceBook) -> str:
    return book.list_name or (book.tenant.name if book.tenant else "everyone")


def _confirmation_in(options: dict[str, Any]) -> Confirmed:
    return Confirmed(
        options["reason"] or "", read_number(options["changes"]), read_number(options["below_cost"])
    )
