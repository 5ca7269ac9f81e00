"""What happened to processes, numbered and kept."""
