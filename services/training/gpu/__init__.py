"""A short stretch of time on a GPU machine without network: what goes there, what is done there, what comes back."""
