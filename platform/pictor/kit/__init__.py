"""Small tools. They import no app, but some know the vocabulary of the API."""
