"""What a check writes: a document for programs, JUnit's format for CI services, a summary for their pages."""
