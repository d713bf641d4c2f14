"""A new version on one host, under load: no request is lost, and nothing of the old version stays."""
