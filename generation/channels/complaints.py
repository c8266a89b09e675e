"""The subject of a vendor's refusal, by its words: one table for all kinds of channels. Pure.

The first matching row decides, so rows about the account stand before rows about the prompt: Azure
blocks a whole resource "that may violate our content policy".
"""

import re
from dataclasses import dataclass
from enum import Enum


class ComplaintSubject(Enum):
    """The subject of a complaint."""

    CHANNEL = "the channel's own key, credit, model or rate"
    POLICY = "the prompt or the picture, by the vendor's policy"
    CALLER = "the request"


@dataclass(frozen=True, slots=True)
class _Row:
    about: ComplaintSubject
    source: str
    codes: tuple[str, ...] = ()
    """Parts of a code or type, letters only."""
    phrases: tuple[str, ...] = ()
    """Parts of a message, in lower case."""


_TABLE = (
    _Row(
        ComplaintSubject.CHANNEL,
        "Alibaba Model Studio, error codes: Arrearage, by 400; QuantumNous/new-api#1401",
        codes=("arrearage",),
        phrases=("your account is in good standing",),
    ),
    _Row(
        ComplaintSubject.CHANNEL,
        "Volcengine Ark, error codes: AccountOverdueError",
        codes=("overdue",),
        phrases=("has an overdue balance", "account is overdue"),
    ),
    _Row(
        ComplaintSubject.CHANNEL,
        "OpenAI, error codes: billing_hard_limit_reached, by 400; LiteLLM keeps its message alone",
        codes=("billinghardlimit", "billingnotactive"),
        phrases=("billing hard limit has been reached", "check your billing details"),
    ),
    _Row(
        ComplaintSubject.CHANNEL,
        "new-api and one-api, relay errors: the operator's credit there",
        phrases=("额度不足", "余额不足", "欠费"),
    ),
    _Row(
        ComplaintSubject.CHANNEL,
        "Azure OpenAI's abuse monitoring; pollinations/pollinations#12067",
        phrases=("your resource has been temporarily blocked", "your resource has been blocked"),
    ),
    _Row(
        ComplaintSubject.POLICY,
        "OpenAI and Azure, error codes",
        codes=("moderation", "contentpolicy", "contentfilter", "policyviolation", "safety", "nsfw"),
        phrases=("safety system", "content policy", "content management policy"),
    ),
    _Row(
        ComplaintSubject.POLICY,
        "LiteLLM, exception mapping: the class's name begins the message",
        phrases=("contentpolicyviolationerror",),
    ),
    _Row(
        ComplaintSubject.POLICY,
        "Alibaba Model Studio, error codes: DataInspectionFailed",
        codes=("datainspection",),
    ),
    _Row(
        ComplaintSubject.POLICY,
        "Volcengine Ark, error codes: InputTextSensitiveContentDetected and its kin",
        codes=("sensitivecontent",),
    ),
    _Row(
        ComplaintSubject.POLICY,
        "new-api, its own check of words: sensitive_words_detected",
        codes=("sensitivewords",),
    ),
    _Row(
        ComplaintSubject.POLICY,
        "Google Gemini API, FinishReason and BlockReason: PROHIBITED_CONTENT",
        codes=("prohibitedcontent",),
    ),
    _Row(
        ComplaintSubject.CHANNEL,
        "OpenAI, error codes; one-api and new-api answer 400 or 200 for a dead account",
        codes=(
            "insufficient", "quota", "apikey", "authentication", "permission", "deactivated",
            "modelnotfound", "ratelimit", "overloaded", "noavailablechannel", "serviceunavailable",
        ),
    ),
    _Row(
        ComplaintSubject.CALLER,
        "OpenAI and Azure, error codes",
        codes=("invalidrequest", "invalidvalue", "imagegenerationuser", "invalidparameter"),
    ),
)  # fmt: skip


def about(*, codes: tuple[str, ...], message: str) -> ComplaintSubject | None:
    """The subject of a complaint; None if no row matches.

    Args:
        codes: the vendor's codes and types for it, in any spelling.
        message: the vendor's message.
    """
    named = [re.sub(r"[^a-z]", "", code.lower()) for code in codes]
    text = message.lower()
    for row in _TABLE:
        if any(part in name for part in row.codes for name in named):
            return row.about
        if any(phrase in text for phrase in row.phrases):
            return row.about
    return None
