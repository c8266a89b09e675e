"""The next step after a failed attempt."""

import pytest

from generation.channels.errors import AttemptClass
from generation.dispatch.retry import History, Next, decide


@pytest.mark.parametrize(
    ("attempt_class", "has_next", "follows"),
    [
        ("not_reached", True, "next_channel"),
        ("not_reached", False, "same_channel"),
        ("refused", True, "next_channel"),
        ("refused", False, "give_up"),
        ("rejected", True, "give_up"),
        ("moderated", True, "give_up"),
        ("unknown", True, "give_up"),
        ("unknown", False, "give_up"),
        ("bad_result", True, "give_up"),
        ("storage_failed", True, "give_up"),
        ("delivered", True, "give_up"),
    ],
)
def test_only_what_surely_was_not_made_is_sent_again(attempt_class, has_next, follows):
    attempt = AttemptClass(attempt_class)
    history = History().after(attempt)

    assert decide(attempt, history=history, has_next=has_next, retry_is_free=False) == follows


@pytest.mark.parametrize(("not_reached", "follows"), [(1, True), (2, True), (3, False), (9, False)])
def test_an_only_channel_is_called_twice_more_when_it_is_not_reached(not_reached, follows):
    found = decide(
        AttemptClass.NOT_REACHED,
        history=History(not_reached=not_reached),
        has_next=False,
        retry_is_free=False,
    )

    assert found == (Next.SAME_CHANNEL if follows else Next.GIVE_UP)


def test_a_channel_not_yet_asked_is_asked_however_many_were_not_reached():
    found = decide(
        AttemptClass.NOT_REACHED,
        history=History(not_reached=5),
        has_next=True,
        retry_is_free=False,
    )

    assert found == Next.NEXT_CHANNEL


@pytest.mark.parametrize(
    ("bad_results", "retry_is_free", "follows"),
    [(1, True, "same_channel"), (2, True, "give_up"), (1, False, "give_up")],
)
def test_a_bad_result_is_asked_for_once_more_where_that_is_free(
    bad_results, retry_is_free, follows
):
    found = decide(
        AttemptClass.BAD_RESULT,
        history=History(bad_results=bad_results),
        has_next=True,
        retry_is_free=retry_is_free,
    )

    assert found == follows


def test_the_history_counts_only_what_has_a_budget():
    history = History()
    for name in ("not_reached", "refused", "bad_result", "unknown", "not_reached"):
        history = history.after(AttemptClass(name))

    assert history == History(not_reached=2, bad_results=1)


@pytest.mark.parametrize(
    ("is_doubted", "has_next", "follows"),
    [(True, True, "next_channel"), (True, False, "give_up"), (False, True, "give_up")],
)
def test_a_request_rejected_by_a_doubted_channel_is_tried_on_the_next(
    is_doubted, has_next, follows
):
    found = decide(
        AttemptClass.REJECTED,
        history=History(),
        has_next=has_next,
        retry_is_free=False,
        is_doubted=is_doubted,
    )

    assert found == follows
