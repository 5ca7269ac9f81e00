"""The bridge as a process: its lock, its sockets, the HTTP server, its end."""
