# Tells what this interpreter is, as one line of JSON. Runs on every Python since 2.6, so that one which is too
# old can say so.
import sys

# The current folder must not lend its modules.
sys.path[:] = [entry for entry in sys.path if entry]
import json

print(
    json.dumps(
        {
            "executable": sys.executable,
            "version": list(sys.version_info[:3]),
            "implementation": getattr(getattr(sys, "implementation", None), "name", "python"),
            "build": sys.version,
        }
    )
)
