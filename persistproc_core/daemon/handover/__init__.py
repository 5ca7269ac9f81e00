"""One daemon takes the place of another: the lock, the listening socket and what is in memory alone change hands."""
