"""Load, measured from outside: everything here speaks to the engine over HTTP only."""
