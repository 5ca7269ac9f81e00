"""What stands in front of every route: who may call, from which page, with how much."""
