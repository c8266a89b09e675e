"""The URLs of channels under /ops/channels/. Channels go by number, since names may change."""

from django.urls import path

from console.ops.channels import costs, edit, explained, one, trials
from console.ops.channels.lists import CHANNELS
from console.ops.lists import page_of

urlpatterns = [
    path("", page_of(CHANNELS), name="channels"),
    path("new/", edit.create, name="channel_new"),
    path("explain/", explained.explanation, name="channel_explain"),
    path("<int:channel>/", one.channel, name="channel"),
    path("<int:channel>/edit/", edit.edit, name="channel_edit"),
    path("<int:channel>/test/", trials.test, name="channel_test"),
    path("<int:channel>/tests/<uuid:trial>/", trials.picture, name="channel_picture"),
    path("<int:channel>/costs/", costs.costs, name="channel_costs"),
    path("<int:channel>/costs.csv", costs.download, name="channel_costs_csv"),
]
