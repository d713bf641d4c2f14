"""A request to `/v1/render`, read and checked: it becomes a job."""
