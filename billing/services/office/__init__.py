"""The office's changes of money and prices."""
