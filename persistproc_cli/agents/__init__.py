"""``persistproc agent``: writing the bridge into the configuration of agents."""
