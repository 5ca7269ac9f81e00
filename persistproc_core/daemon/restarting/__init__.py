"""Starting processes again by themselves: after the end of a run (restart policy), after a reboot (autostart)."""
