"""The operations of the service, one function each, called as it is in the OpenAPI document."""
