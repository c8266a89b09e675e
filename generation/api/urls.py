"""The paths under /v1 that this app owns. Each works with and without the trailing slash."""

from django.urls import path

from generation.api import views
from generation.api.models import ModelsView, ModelView
from pictor.kit.pooled_views import pooled

DEFAULT_MODEL = "gpt-image-2-origin"
"""What the slash form of the generations path means when no model is named."""

models = pooled(ModelsView)
model = pooled(ModelView)

urlpatterns = [
    path("models", models),
    path("models/", models),
    path("models/<str:model>", model),
    path("models/<str:model>/", model),
    path("images/generations", views.generations),
    path("images/generations/", views.generations, {"default_model": DEFAULT_MODEL}),
    path("images/quote", views.quotes),
    path("images/quote/", views.quotes),
    path("images/generations/<str:public_id>", views.generation),
    path("images/generations/<str:public_id>/", views.generation),
    path("images/generations/<str:public_id>/cancel", views.cancellation),
    path("images/generations/<str:public_id>/cancel/", views.cancellation),
]
