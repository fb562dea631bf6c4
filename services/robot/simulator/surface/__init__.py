"""NAOqi's services as the simulated robot offers them over qi."""
