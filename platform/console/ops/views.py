"""Pages of staff, who are let in by the same door as into the admin."""

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


class _Example(forms.Form):
    name = forms.CharField(widget=forms.TextInput(attrs={"class": "control"}))


@require_safe
def _styleguide(request: HttpRequest) -> HttpResponse:
    form = _Example({"name": ""})
    return render(request, "ops/styleguide.html", {"form": form})


styleguide = admin.site.admin_view(_styleguide)
"""Every component in every state."""
