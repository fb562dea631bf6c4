"""The robot gateway: runs checked behaviour programs in a sandbox and carries their calls to a robot over qi."""
