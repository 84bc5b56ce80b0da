"""Where frames come from: files, streams, webcams, folders; each frame with its time."""
