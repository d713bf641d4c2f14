"""The report of a check as one HTML page, which needs nothing else: `figbox check --report`."""
