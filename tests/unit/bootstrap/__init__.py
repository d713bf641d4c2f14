"""The set-up and the doctor, without an engine."""
