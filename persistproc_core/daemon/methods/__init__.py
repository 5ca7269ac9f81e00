"""The protocol's methods, as the daemon's parts answer them."""
