"""How a fuzzer is told what it needs to know."""
