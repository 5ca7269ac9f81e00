"""TCP ports: who is to have which, who holds one, and what is said when somebody else holds it."""
