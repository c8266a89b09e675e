"""The paths under /v1 that this app owns."""

from django.urls import path

from accounts.endpoint import Endpoint
from generation.api import views
from generation.api.create import create, create_with_usual_model
from generation.api.edits import edit, vary
from generation.api.models import ModelsView, ModelView
from generation.api.quote import quote
from pictor.kit.database import pools
from pictor.kit.endpoints.paths import paths, route

ONE = "images/generations/<str:public_id>"

urlpatterns = [  # tried one after the other
    path("images/generations", route(views.GenerationsView, post=create)),
    path("images/generations/", route(views.GenerationsView, post=create_with_usual_model)),
    *paths("models", route(ModelsView)),
    *paths("models/<str:model>", route(ModelView)),
    *paths("images/edits", route(Endpoint, post=edit)),
    *paths("images/variations", route(Endpoint, post=vary)),
    *paths("images/quote", route(Endpoint, post=quote)),
    *paths("images/provenance", route(views.ProvenanceView)),
    *paths(ONE, route(views.GenerationView, delete_in=pools.removals)),
    *paths(f"{ONE}/cancel", route(views.CancellationView)),
]
