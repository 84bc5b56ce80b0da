"""Image in, image out: the only place that decodes.

`open_photo` reads and checks a header; `Photo.pixels` decodes, upright, in RGB. `write_image` writes without metadata.
"""

from mien.image.limits import DEFAULT, ImageLimits
from mien.image.photo import Photo, Picture, Source, open_photo
from mien.image.write import encode_image, write_image

__all__ = ["DEFAULT", "ImageLimits", "Photo", "Picture", "Source", "encode_image", "open_photo", "write_image"]
