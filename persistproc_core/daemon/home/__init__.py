"""The home while the daemon lives: noticed and mended when somebody deletes what is in it."""
