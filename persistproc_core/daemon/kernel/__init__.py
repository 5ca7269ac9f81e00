"""What the kernel knows: processes, who they are, their ports and what they use."""
