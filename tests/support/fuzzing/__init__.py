"""What a fuzzer needs to know beside the description."""
