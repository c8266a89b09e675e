"""The URLs of generations."""

from django.urls import path

from console.ops.generations import ending, giving, one, outage, refunds
from console.ops.generations.lists import GENERATIONS
from console.ops.lists import page_of

urlpatterns = [
    path("", page_of(GENERATIONS), name="generations"),
    path("refunds/", refunds.refunds, name="generation_refunds"),
    path("outage/", outage.outage, name="outage"),
    path("<str:generation>/", one.one, name="generation"),
    path("<str:generation>/look/", one.look, name="generation_look"),
    path("<str:generation>/refund/", giving.give_back, name="generation_refund"),
    path("<str:generation>/credit/", giving.give_credit, name="generation_credit"),
    path("<str:generation>/cancel/", ending.cancel, name="generation_cancel"),
    path("<str:generation>/fail/", ending.fail, name="generation_fail"),
    path("<str:generation>/ring/", ending.ring, name="generation_ring"),
]
