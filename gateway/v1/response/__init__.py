"""The response of `/v1/render`: the form the client accepts, made from a result."""
