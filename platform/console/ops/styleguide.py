"""Every component of the console in every state, for developers of its pages."""

from datetime import date, timedelta

from django import forms
from django.http import HttpRequest, HttpResponse

from console.ops.access import Operator, Permission, rendered, staff
from console.parts.charts import spark
from console.parts.filters import Chip
from console.site.status import Component, components
from generation.models import WatchedDay
from generation.oversight.watch import Sight
from pictor.kit.words import clock


class _Example(forms.Form):
    name = forms.CharField(widget=forms.TextInput(attrs={"class": "control"}))


@staff(Permission.SEE)
def styleguide(request: HttpRequest, operator: Operator) -> HttpResponse:
    form = _Example({"name": ""})
    context = {
        "form": form,
        "chips": [
            Chip("#main", "All", is_chosen=True, number=4),
            Chip("#main", "Near budget", is_chosen=False, number=1),
        ],
        "watched": _example_component(clock.now().date()),
        "spark": spark([0, 4, 2, 8, 5, 9, 6]),
    }
    return rendered(request, operator, "ops/styleguide.html", context)


def _example_component(today: date) -> Component:
    """Return a part with days of every state; it has been watched for 60 days only."""
    failed = dict.fromkeys(range(60), 0) | {7: 12, 30: 500}
    history = [
        WatchedDay(part="example", day=today - timedelta(days=back), looks=1440, failed=count)
        for back, count in failed.items()
    ]
    return components([Sight("example", "")], history, today=today)[0]
