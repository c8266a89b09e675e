"""Parts shared by pages of several subjects."""
