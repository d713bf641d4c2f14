"""`python -m figbox`: the same as the command `figbox`."""

from figbox.cli import main

if __name__ == "__main__":
    main()
