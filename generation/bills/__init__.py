"""What vendors bill, beside what we booked: read, matched, and taken or disputed line by line."""
