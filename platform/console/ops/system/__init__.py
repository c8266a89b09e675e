"""The parts of the installation, and the stop switch."""
