"""A connection and a request before and after its handler: limits, checks, headers, errors."""
