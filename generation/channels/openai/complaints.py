"""The complaint in an answer's body, in OpenAI's shape and its relays' variants. Pure.

Sources: OpenAI's and Azure's error references, relays' source (20 Nov 2026).
"""

from dataclasses import dataclass

from generation.channels.complaints import ComplaintSubject, about


@dataclass(frozen=True, slots=True)
class Complaint:
    """A complaint, as the answer's body has it; empty fields if it has none."""

    is_json: bool = False
    code: str = ""
    type: str = ""
    param: str = ""
    message: str = ""
    status: int | None = None
    """A status inside the body, such as {"error": {"code": 429}}."""

    @property
    def about(self) -> ComplaintSubject | None:
        """The complaint's subject; None if its words do not tell."""
        return about(codes=(self.code, self.type), message=self.message)


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
