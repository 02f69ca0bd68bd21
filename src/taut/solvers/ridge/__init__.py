"""L2 alone: closed forms, and wide problems rotated into the space of their rows."""
