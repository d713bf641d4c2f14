"""`make release`: all files of a release, from a tag, and the same bytes each time. docs/releasing.md says more."""
