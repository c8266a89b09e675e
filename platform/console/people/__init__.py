"""Pages about people: the terms, invitations, and the mailbox of the embedded default."""
