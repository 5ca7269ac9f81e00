"""What get_process_output is asked, and what it answers; the places that have names."""
