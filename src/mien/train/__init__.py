"""Training of mien's own models with Keras 3: recipes are data, and one command rebuilds what mien ships.

Needs the extra `train`. Nothing here is imported by what serves.
"""
