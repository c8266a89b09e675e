"""What production starts: the web process, the workers, and the look at their health."""
