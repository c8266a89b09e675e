"""What operators see and put right, and the scheduled work that watches, counts and mails."""
