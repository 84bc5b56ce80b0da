"""Groups of faces without names: which photos of an unsorted collection show one person."""
