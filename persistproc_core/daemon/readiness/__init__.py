"""Whether a run is ready: as it was started to be, or by the first sign of it; and whether it stays alive."""
