"""The operator's offer; generation requests only read it."""
