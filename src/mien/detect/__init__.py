"""Finding faces: a photo in, detections out."""
