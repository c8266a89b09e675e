"""How people sign in: allauth on our own users, with a second factor, in the admin's clothes."""
