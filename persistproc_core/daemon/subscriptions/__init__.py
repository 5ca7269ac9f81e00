"""What clients are told without asking: what processes print, and what happens to them."""
