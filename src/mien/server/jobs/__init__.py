"""Videos as jobs: uploaded, worked on in the background, looked at when they are ready."""
