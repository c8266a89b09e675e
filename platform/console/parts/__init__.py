"""What both consoles are built of."""
