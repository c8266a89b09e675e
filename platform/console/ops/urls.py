"""The operators' pages."""

from django.urls import path

from console.ops import views

app_name = "ops"
urlpatterns = [
    path("styleguide/", views.styleguide, name="styleguide"),
]
