"""The conversation with one runner: frames in, frames out, and what its reply means."""
