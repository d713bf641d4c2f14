"""How long `figbox check` takes for a project of many scripts, beside a loop of `python script.py`."""
