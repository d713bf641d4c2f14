"""What `ci/` has for CI services and build tools: checked as files, and run as those would run it."""
