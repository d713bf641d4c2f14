"""What is measured in processes that draw without a container."""
