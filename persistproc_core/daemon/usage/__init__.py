"""Who uses a process, what nobody uses any more, and what ends by itself because of that."""
