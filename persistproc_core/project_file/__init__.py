"""A project's file: found, read, checked. Nothing here starts anything, and nothing knows the daemon."""
