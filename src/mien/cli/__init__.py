"""The command line: each command decodes its arguments, calls one library method and encodes the answer."""
