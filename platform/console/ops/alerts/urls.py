"""The URLs of alert rules."""

from django.urls import path

from console.ops.alerts import edit, listed, one

urlpatterns = [
    path("", listed.rules, name="alerts"),
    path("sent/", listed.sent, name="alerts_sent"),
    path("new/", edit.new, name="alert_new"),
    path("<uuid:rule>/", one.detail, name="alert"),
    path("<uuid:rule>/edit/", edit.edit, name="alert_edit"),
    path("<uuid:rule>/confirm/", one.confirm, name="alert_confirm"),
    path("<uuid:rule>/secret/", one.rotate, name="alert_secret"),
]
