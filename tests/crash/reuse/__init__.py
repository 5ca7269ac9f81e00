"""Numbers of ended processes that the kernel gave to strangers (suite ``reuse``)."""
