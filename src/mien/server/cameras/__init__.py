"""The cameras of the configuration, followed all the time."""
