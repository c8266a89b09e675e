"""The URLs of incidents and maintenance."""

from django.urls import path

from console.ops.incidents import listed, pages

urlpatterns = [
    path("", listed.listing, name="incidents"),
    path("new/", pages.begin, name="incident_new"),
    path("plan/", pages.plan, name="incident_plan"),
    path("<int:incident>/", pages.detail, name="incident"),
    path("<int:incident>/update/", pages.update, name="incident_update"),
    path("<int:incident>/updates/<int:update>/", pages.correct, name="incident_correct"),
]
