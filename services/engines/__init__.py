"""What runs inside the engine containers and is ours."""
