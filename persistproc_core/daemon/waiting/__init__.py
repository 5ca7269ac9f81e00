"""Waiting for something to become true; each condition in a module of its own."""
