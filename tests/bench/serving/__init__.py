"""The parts of `tests/bench/serve.py`."""
