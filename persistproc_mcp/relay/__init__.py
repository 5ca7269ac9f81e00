"""``persistproc mcp``: MCP over stdio, passed on to the bridge. By the standard library: agents start many."""
