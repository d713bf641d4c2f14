"""The service under good, bad and hostile jobs of many keys for a long time, to see whether anything grows."""
