"""The operators' view of the installation, and the corrections they make by hand."""
