"""One module per verb; each holds its `COMMAND`. A call imports only its own."""
