"""The plain HTTP interface: JSON-RPC, resources, streams, and their description."""
