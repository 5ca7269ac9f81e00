"""A project's processes, all at once: what would run, whether it may, how far each is, and what became of it."""
