"""Which face of this frame is which of the last: motion, and embeddings where motion leaves a doubt."""
