"""The processes of production: web and workers, and the check of their health."""
