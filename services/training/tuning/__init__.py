"""Fine-tuning: a small model learns a robot's API by heart."""
