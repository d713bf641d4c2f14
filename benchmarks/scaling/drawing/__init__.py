"""Programs that draw the pictures of docs/scaling.md from a file `data.json` beside them; Figbox runs them."""
