"""A command as a caller writes it: words, shell text, and the name that is made of it."""
