"""What operators see of the installation, and what they put right by hand."""
