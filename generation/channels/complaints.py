"""The subject of a vendor's refusal, by its words: one table for all kinds of channels. Pure.

A vendor's own rows stand before it. The first matching row decides, so rows about the account stand
before rows about the prompt: Azure blocks a whole resource "that may violate our content policy".
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
class ComplaintRow:
    """The subject of complaints with any of these words, and where they are documented."""

    about: ComplaintSubject
    source: str
    codes: tuple[str, ...] = ()
    """Parts of a code or type, letters only."""
    phrases: tuple[str, ...] = ()
    """Parts of a message, in lower case, with blanks for `_`."""


_TABLE = (
    ComplaintRow(
        ComplaintSubject.CHANNEL,
        "Alibaba Model Studio, error codes: Arrearage, by 400; QuantumNous/new-api#1401",
        codes=("arrearage",),
        phrases=("your account is in good standing",),
    ),
    ComplaintRow(
        ComplaintSubject.CHANNEL,
        "Volcengine Ark, error codes: AccountOverdueError",
        codes=("overdue",),
        phrases=("has an overdue balance", "account is overdue"),
    ),
    ComplaintRow(
        ComplaintSubject.CHANNEL,
        "OpenAI, error codes: billing_hard_limit_reached, by 400; LiteLLM keeps its message alone",
        codes=("billinghardlimit", "billingnotactive"),
        phrases=("billing hard limit has been reached", "check your billing details"),
    ),
    ComplaintRow(
        ComplaintSubject.CHANNEL,
        "new-api and one-api, relay errors: the operator's credit there",
        phrases=(
            "额度不足", "额度已用", "余额不足", "余额已用", "額度不足", "餘額不足", "欠费", "封禁",
            "无效的令牌", "令牌已过期", "鉴权失败", "无可用渠道", "负载已饱和", "负载过高",
            "过于频繁", "系统繁忙", "服务繁忙", "服务器繁忙",
        ),
    ),
    ComplaintRow(
        ComplaintSubject.CHANNEL,
        "Azure OpenAI's abuse monitoring; pollinations/pollinations#12067",
        phrases=("your resource has been temporarily blocked", "your resource has been blocked"),
    ),
    ComplaintRow(
        ComplaintSubject.POLICY,
        "OpenAI and Azure, error codes",
        codes=("moderat", "contentpolicy", "contentfilter", "policyviolation", "safety", "nsfw"),
        phrases=(
            "safety system", "content polic", "content management policy", "moderation blocked",
        ),
    ),
    ComplaintRow(
        ComplaintSubject.POLICY,
        "OpenAI, chat and Responses: a part of type `refusal`",
        codes=("refusal",),
    ),
    ComplaintRow(
        ComplaintSubject.POLICY,
        "Wei-Shaw/sub2api#3429 and its kin: a model's own words in place of a picture",
        phrases=(
            "judged unsafe", "deemed unsafe", "considered unsafe", "safety guidelines",
            "safety polic", "usage polic", "content guidelines", "violates our", "violate our",
            "with our polic", "against our polic", "input was flagged", "prompt was flagged",
            "request was flagged", "content was flagged", "prohibited content", "nsfw content",
            "违规", "敏感", "内容政策", "内容审核", "审核未通过", "审核不通过",
        ),
    ),
    ComplaintRow(
        ComplaintSubject.POLICY,
        "LiteLLM, exception mapping: the class's name begins the message",
        phrases=("contentpolicyviolationerror",),
    ),
    ComplaintRow(
        ComplaintSubject.POLICY,
        "Alibaba Model Studio, error codes: DataInspectionFailed",
        codes=("datainspection",),
    ),
    ComplaintRow(
        ComplaintSubject.POLICY,
        "Volcengine Ark, error codes: InputTextSensitiveContentDetected and its kin",
        codes=("sensitivecontent",),
    ),
    ComplaintRow(
        ComplaintSubject.POLICY,
        "new-api, its own check of words: sensitive_words_detected",
        codes=("sensitivewords",),
    ),
    ComplaintRow(
        ComplaintSubject.POLICY,
        "Google Gemini API, FinishReason and BlockReason: PROHIBITED_CONTENT, BLOCKLIST",
        codes=("prohibitedcontent", "blocklist"),
    ),
    ComplaintRow(
        ComplaintSubject.CALLER,
        "pydantic, error types: a field that the schema does not know",
        codes=("extraforbidden",),
    ),
    ComplaintRow(
        ComplaintSubject.CHANNEL,
        "OpenAI, error codes; one-api and new-api answer 400 or 200 for a dead account",
        codes=(
            "insufficient", "quota", "apikey", "authentication", "permission", "deactivated",
            "modelnotfound", "ratelimit", "overloaded", "noavailablechannel", "serviceunavailable",
            "unauthorized", "unauthenticated", "resourceexhausted", "toomanyrequests", "authfail",
            "forbidden", "accessdenied", "paymentrequired", "suspended",
        ),
    ),
    ComplaintRow(
        ComplaintSubject.CHANNEL,
        "OpenCSGs/csghub-server#1369, decolua/9router#3242, Wei-Shaw/sub2api#7436: relays' words",
        phrases=(
            "insufficient balance", "insufficient account balance", "insufficient credit",
            "insufficient fund", "insufficient quota", "insufficient user quota", "please recharge",
            "please top up", "exceeded your current quota", "quota exceeded", "out of credit",
            "not enough credit", "credit balance is too low", "invalid api key",
            "incorrect api key", "unauthorized:", "is overloaded", "currently overloaded",
            "at capacity", "no capacity", "too many requests", "rate limit exceeded",
            "no available channel", "payment required", "no credits left", "balance is not enough",
            "account has been suspended", "account is suspended", "api key not valid",
            "invalid token", "authentication error", "authentication failed",
            "invalid authentication", "server is busy", "temporarily unavailable",
            "rate limit reached",
        ),
    ),
    ComplaintRow(
        ComplaintSubject.CALLER,
        "OpenAI and Azure, error codes",
        codes=("invalidrequest", "invalidvalue", "imagegenerationuser", "invalidparameter"),
    ),
)  # fmt: skip


def about(
    *,
    codes: tuple[str, ...],
    message: str,
    asked: str = "",
    first: tuple[ComplaintRow, ...] = (),
) -> ComplaintSubject | None:
    """The subject of a complaint; None if no row matches.

    Vendors quote prompts, so what the caller wrote is not believed about the channel's account.

    Args:
        codes: the vendor's codes and types for it, in any spelling.
        message: the vendor's message; `_` reads as a blank, as relays quote codes in theirs.
        asked: the request's words.
        first: a vendor's own rows.
    """
    named = [re.sub(r"[^a-z]", "", code.lower()) for code in codes]
    text, asked = _text(message), _text(asked)
    for row in (*first, *_TABLE):
        if any(part in name for part in row.codes for name in named):
            return row.about
        quotable = asked if row.about is ComplaintSubject.CHANNEL else ""
        if any(phrase in text and phrase not in quotable for phrase in row.phrases):
            return row.about
    return None


def _text(words: str) -> str:
    return " ".join(words.lower().replace("_", " ").split())
