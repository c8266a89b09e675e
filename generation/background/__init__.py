"""Work without a caller: the image worker's loop, the reaper, the clean-up."""
