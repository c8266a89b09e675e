"""Sign-in: allauth on our own users, with a second factor."""
