"""One file a layout, one function in it: `Path` in, `list[Listed]` out, None where something else lies there."""
