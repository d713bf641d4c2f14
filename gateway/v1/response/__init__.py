"""Make the response of `/v1/render` from a result, in the form that the client accepts."""
