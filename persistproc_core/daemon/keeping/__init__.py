"""How much output is kept: configuration, limits, and what is forgotten."""
