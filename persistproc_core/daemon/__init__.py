"""The daemon: policy, queries and RPC. One per user and home."""
