"""One folder per vendor. Adapters know HTTP and their vendor, and no database."""
