"""MCP over HTTP, by the MCP SDK: the tools, and resources, prompts, completion and subscriptions."""
