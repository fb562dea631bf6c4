"""The worker process: takes batches of behaviours from the queue and sees each one through to its end."""
