"""Where the parts of a face are: the mesh, the irises, the head's pose, how far eyes and mouth are open, the gaze."""
