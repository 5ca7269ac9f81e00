"""Processes that are restarted, or sent a signal, when a file changes."""
