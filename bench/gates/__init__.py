"""What gates cost and how long they wait: each noun is a part with a `measure` of its own, `run.py` lists them."""
