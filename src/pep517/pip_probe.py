# Tells what this interpreter can install packages with, as one line of JSON.
import sys

# The current folder must not lend its modules.
sys.path[:] = [entry for entry in sys.path if entry]
import json


def version_of(module):
    try:
        return str(__import__(module).__version__)
    except Exception:
        return None


def has(module):
    try:
        __import__(module)
        return True
    except Exception:
        return False


print(json.dumps({"pip": version_of("pip"), "ensurepip": has("ensurepip")}))
