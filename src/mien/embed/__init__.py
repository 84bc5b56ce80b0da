"""Who a face is, as a vector: aligned crops in, embeddings out."""
