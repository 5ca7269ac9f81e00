"""The tools that agents see: what they take, what they do, and how their answers read."""
