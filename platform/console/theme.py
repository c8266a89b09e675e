"""Light, dark or the system's theme, kept in a cookie: the server knows it, so no page flashes."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

COOKIE = "theme"
CHOSEN = ("light", "dark")
YEAR_SECONDS = 365 * 24 * 60 * 60


def theme(request: HttpRequest) -> dict[str, str]:
    """Return every page's context: `theme` is 'light', 'dark' or '' for the system's."""
    chosen = request.COOKIES.get(COOKIE, "")
    return {"theme": chosen if chosen in CHOSEN else ""}


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}):
        back = "/"
    answer = HttpResponseRedirect(back, status=303)
    chosen = request.POST.get("theme", "")
    if chosen in CHOSEN:
        answer.set_cookie(
            COOKIE,
            chosen,
            max_age=YEAR_SECONDS,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    else:
        answer.delete_cookie(COOKIE, samesite="Lax")
    return answer
