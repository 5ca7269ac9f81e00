"""The plain HTTP interface, against a running bridge."""
