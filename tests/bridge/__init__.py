"""Tests of the bridge: the process, its guard, MCP, HTTP and the relay."""
