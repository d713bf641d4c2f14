"""The vocabulary every layer shares: jobs, results, errors, and their form as JSON."""
