"""What a key may ask and change of its account's keys."""
