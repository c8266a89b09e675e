"""The operators' pages."""

from django.urls import path

from console.ops import overview, views

app_name = "ops"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("conditions/<int:condition>/assign/", overview.assign_condition, name="assign"),
    path("conditions/<int:condition>/silence/", overview.silence_condition, name="silence"),
    path("styleguide/", views.styleguide, name="styleguide"),
]
