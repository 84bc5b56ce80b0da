"""Blinks, shut eyes, yawns and the direction of the head, over time: what is seen, not what it means."""
