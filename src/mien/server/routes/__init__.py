"""One file a noun: decode, call one method, encode."""
