"""Read and check a request to `/v1/render`, and make a job of it."""
