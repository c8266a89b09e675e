"""Connect an upstream: store its account and routes, switched off, then test them."""

from http import HTTPStatus

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from console.ops.access import Operator, Permission, by, staff
from console.ops.channels.forms import WeighedForm, retirements, route_forms, served_routes
from console.ops.channels.trials import to_tests
from generation.catalogue import services
from generation.selectors import contracts


@staff(Permission.CHANNELS, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Create a channel that serves nothing yet; sending the form twice makes one channel."""
    data = request.POST if request.method == "POST" else None
    form, rows = WeighedForm(data), route_forms(data, contracts(), {})
    if data is not None and form.is_valid() and (routes := served_routes(rows, form)):
        try:
            channel, _ = services.set_channel(
                name=form.cleaned_data["name"],
                options={**form.options(), "routes": routes, "retires": retirements(rows)},
                is_new=True,
                **by(request, operator),
            )
        except ValidationError as error:
            form.refuse(error)
        else:
            messages.success(request, "Saved, and off until it is tested")
            return to_tests(channel)
    status = HTTPStatus.OK if data is None else HTTPStatus.UNPROCESSABLE_ENTITY
    context = {"operator": operator, "form": form, "rows": rows}
    return render(request, "ops/channel_new.html", context, status=status)
