"""The attempt class of an answer's HTTP status: one table for all kinds of channels. Pure.

The first row that fits decides. An upstream that says plainly that it turned the call away did not
work on it; an answer that leaves this open is `unknown` and is never sent again.

| status | body | class |
|---|---|---|
| 521 522 523 525 | any (Cloudflare: the origin was not connected) | not_reached |
| any other | a code or phrase about policy (complaints.py) | moderated |
| any other | one about the channel's own account, credit or load | refused |
| 400 413 422 | anything else | rejected |
| 503 | a JSON object | refused |
| 503 | anything else: a proxy's page, sent while the work may go on | unknown |
| 301 307 308, other 4xx but 408 499 | any: decided before any work | refused |
| the rest: 408 499 500 502 504 520 524 … | any | unknown |

Sources: OpenAI's and Azure's error references, Cloudflare's 5xx pages, relays' source
(20 Nov 2026).
"""

from http import HTTPStatus

from generation.channels.complaints import ComplaintSubject
from generation.channels.errors import AttemptClass

NOT_REACHED = frozenset({521, 522, 523, 525})
REJECTED = frozenset({400, 413, 422})
UNKNOWN_4XX = frozenset({408, 499})
REDIRECTS_UNWORKED = frozenset({301, 307, 308})
CLASS_OF = {
    ComplaintSubject.POLICY: AttemptClass.MODERATED,
    ComplaintSubject.CHANNEL: AttemptClass.REFUSED,
    ComplaintSubject.CALLER: AttemptClass.REJECTED,
}
"""The class of a complaint in a 2xx answer."""


def class_of_status(status: int, about: ComplaintSubject | None, *, is_json: bool) -> AttemptClass:
    """The class of an answer that is not 2xx, by the table above.

    Args:
        status: of the answer, or the one that a vendor's body says.
        about: the subject of the complaint in the body; None if its words do not tell.
        is_json: whether the body is a JSON object.
    """
    if status in NOT_REACHED:
        return AttemptClass.NOT_REACHED
    if about in {ComplaintSubject.POLICY, ComplaintSubject.CHANNEL}:
        return CLASS_OF[about]
    if status in REJECTED:
        return AttemptClass.REJECTED
    return AttemptClass.REFUSED if _is_refusal(status, is_json=is_json) else AttemptClass.UNKNOWN


def _is_refusal(status: int, *, is_json: bool) -> bool:
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return is_json
    is_client_error = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return status in REDIRECTS_UNWORKED or (is_client_error and status not in UNKNOWN_4XX)
