"""The public pages."""

from django.urls import path

from console import theme
from console.site import views

app_name = "site"
urlpatterns = [
    path("pricing/", views.pricing, name="pricing"),
    path("theme/", theme.choose, name="theme"),
]
