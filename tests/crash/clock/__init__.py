"""A wall clock that jumps a year back and forth ten times a second (suite ``clock``)."""
