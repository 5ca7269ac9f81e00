"""Input that nobody sends on purpose, against everything that reads input: ``python -m tests.fuzz``."""
