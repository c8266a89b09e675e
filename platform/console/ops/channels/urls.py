"""The pages of channels, below /ops/channels/. A channel goes by its number: names may change."""

from django.urls import path

from console.ops.channels import changes, costs, explained, listed, one

urlpatterns = [
    path("", listed.listing, name="channels"),
    path("explain/", explained.explanation, name="channel_explain"),
    path("<int:channel>/", one.channel, name="channel"),
    path("<int:channel>/pause/", changes.pause, name="channel_pause"),
    path("<int:channel>/resume/", changes.resume, name="channel_resume"),
    path("<int:channel>/weigh/", changes.weigh, name="channel_weigh"),
    path("<int:channel>/reset/", changes.reset, name="channel_reset"),
    path("<int:channel>/costs/", costs.costs, name="channel_costs"),
    path("<int:channel>/costs.csv", costs.download, name="channel_costs_csv"),
    path("<int:channel>/archive/", changes.archive, name="channel_archive"),
]
