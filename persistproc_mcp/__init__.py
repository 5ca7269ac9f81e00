"""The bridge: agents (MCP) and HTTP clients on one side, the daemon's socket on the other.

A process of its own. It keeps nothing: every request becomes calls on the socket, so that it may die, be replaced or
run twice at any time, and the core's process never carries a web framework.
"""
