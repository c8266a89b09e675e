"""What a key may ask and change of its account's webhook endpoints."""
