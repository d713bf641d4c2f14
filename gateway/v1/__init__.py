"""The endpoints below `/v1`: `request` reads what comes, `response` writes what goes."""
