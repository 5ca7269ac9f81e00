"""How the tools' answers read: times, processes, tables, output, and what is done to text of others."""
