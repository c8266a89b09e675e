"""The terms, the privacy notice, invitations, a first workspace, the mailbox, the demo's link."""

from django.urls import path

from console.people import invitations, mailbox, opening, terms, workspaces

app_name = "people"
urlpatterns = [
    path("terms/", terms.terms, name="terms"),
    path("privacy/", terms.privacy, name="privacy"),
    path("terms/accept/", terms.accept, name="accept_terms"),
    path("invite/<str:token>/", invitations.invitation, name="invitation"),
    path("workspaces/open/", workspaces.open_one, name="open_workspace"),
    path("open/<str:token>/", opening.opening, name="open"),
    path("mailbox/", mailbox.mailbox, name="mailbox"),
]
