"""What a process is kept running by: turns, plugs, retries, pauses, what it must not outlive."""
