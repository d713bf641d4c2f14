"""What changed between two renders, in words."""

from figbox.comparison.changes import Change, ChangeKind, Comparison, Pictures, Place, Verdict
from figbox.comparison.described import Box
from figbox.comparison.figures import compare
from figbox.comparison.reading import as_document

__all__ = ["Box", "Change", "ChangeKind", "Comparison", "Pictures", "Place", "Verdict", "as_document", "compare"]
