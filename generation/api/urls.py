"""The paths under /v1 that this app owns. Each works with and without the trailing slash."""

from django.urls import path

from accounts.endpoint import Endpoint
from generation.api import views
from generation.api.create import create, create_with_usual_model
from generation.api.edits import edit, vary
from generation.api.models import ModelsView, ModelView
from generation.api.quote import quote
from pictor.kit import pools
from pictor.kit.api_routes import route

models, model = route(ModelsView), route(ModelView)
generations = route(views.GenerationsView, post=create)
generations_with_slash = route(views.GenerationsView, post=create_with_usual_model)
generation = route(views.GenerationView, delete_in=pools.removals)
cancellation = route(views.CancellationView)
edits, variations = route(Endpoint, post=edit), route(Endpoint, post=vary)
quotes = route(Endpoint, post=quote)

urlpatterns = [  # tried one after the other
    path("images/generations", generations),
    path("images/generations/", generations_with_slash),
    path("models", models),
    path("models/", models),
    path("models/<str:model>", model),
    path("models/<str:model>/", model),
    path("images/edits", edits),
    path("images/edits/", edits),
    path("images/variations", variations),
    path("images/variations/", variations),
    path("images/quote", quotes),
    path("images/quote/", quotes),
    path("images/generations/<str:public_id>", generation),
    path("images/generations/<str:public_id>/", generation),
    path("images/generations/<str:public_id>/cancel", cancellation),
    path("images/generations/<str:public_id>/cancel/", cancellation),
]
