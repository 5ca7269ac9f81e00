"""Replacing the daemon in place, and versions that meet."""
