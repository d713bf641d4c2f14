"""The parts of a run, as `--only` names them, and the load that they make."""
