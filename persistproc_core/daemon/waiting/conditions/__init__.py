"""What a client can wait for, a module each."""
