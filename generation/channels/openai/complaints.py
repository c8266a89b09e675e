"""What the body of an answer complains of, in OpenAI's shape and its relays' variants. Pure.

Sources: OpenAI's and Azure's error references, relays' source (20 Nov 2026).
"""

import re
from dataclasses import dataclass

# Parts of a code or type, letters only.
_POLICY_WORDS = (
    "moderation", "contentpolicy", "contentfilter", "policyviolation", "safety", "nsfw",
)  # fmt: skip
_POLICY_PHRASES = ("safety system", "content policy", "content management policy")

# OpenAI sends billing_hard_limit_reached with a 400; relays answer 400 or 200 for a dead account.
_CHANNEL_WORDS = (
    "billinghardlimit", "insufficient", "quota", "apikey", "authentication", "permission",
    "deactivated", "modelnotfound", "ratelimit", "overloaded", "noavailablechannel",
    "serviceunavailable",
)  # fmt: skip
_CALLER_WORDS = ("invalidrequest", "invalidvalue", "imagegenerationuser", "invalidparameter")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong, as the body of an answer has it; all empty when it does not say."""

    is_json: bool = False
    code: str = ""
    type: str = ""
    param: str = ""
    message: str = ""
    status: int | None = None
    """A status inside the body, such as {"error": {"code": 429}}."""

    @property
    def is_policy(self) -> bool:
        """The upstream's policy refuses the prompt or the picture."""
        message = self.message.lower()
        return self._names(_POLICY_WORDS) or any(each in message for each in _POLICY_PHRASES)

    @property
    def is_about_channel(self) -> bool:
        """The channel's own key, credit, model or rate is at fault."""
        return self._names(_CHANNEL_WORDS)

    @property
    def is_about_caller(self) -> bool:
        """The request is at fault."""
        return self._names(_CALLER_WORDS)

    def _names(self, words: tuple[str, ...]) -> bool:
        said = [re.sub(r"[^a-z]", "", each.lower()) for each in (self.code, self.type)]
        return any(word in each for word in words for each in said)


def complaint_of(document: object) -> Complaint:
    """Read OpenAI's shape and its variants: a bare string, `detail`, `message`, numeric codes."""
    if not isinstance(document, dict):
        return Complaint()
    error = document.get("error")
    if not isinstance(error, dict):
        words = _string(error) or _string(document.get("message")) or _string(document.get("msg"))
        error = {**document, "message": words or _string(document.get("detail"))}
    code = error.get("code")
    inner = error.get("innererror")  # Azure
    inner_code = _string(inner.get("code")) if isinstance(inner, dict) else ""
    return Complaint(
        is_json=True,
        code=" ".join(filter(None, (_string(code), inner_code))),
        type=_string(error.get("type")),
        param=_string(error.get("param")),
        message=_string(error.get("message")),
        status=_status(code) or _status(error.get("status")),
    )


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _status(value: object) -> int | None:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    is_status = text.isascii() and text.isdigit() and len(text) == len("500")
    return int(text) if is_status and text[0] in "345" else None
