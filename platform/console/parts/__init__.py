"""What both consoles are built of; it knows no workspace and no operator."""
