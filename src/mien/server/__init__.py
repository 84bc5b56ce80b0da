"""mien as a service on one machine: an HTTP API and a web console over one gallery."""
