"""Servers that somebody started outside of persistproc, taken into the list."""
