"""Black Forest Labs' own API: FLUX.2 and FLUX 3."""
