"""The bridge between the hub and agents (MCP) or HTTP clients. It is not part of this version yet."""
