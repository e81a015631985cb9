# Tells what is installed in this interpreter's environment, and the values of the environment markers, as one
# line of JSON at the end.
import sys

# The current folder must not lend its modules.
sys.path[:] = [entry for entry in sys.path if entry]
import json
import os
import platform
from importlib import metadata


def numbered(info):
    version = "%d.%d.%d" % tuple(info[:3])
    if info.releaselevel != "final":
        version += info.releaselevel[0] + str(info.serial)
    return version


distributions = []
for distribution in metadata.distributions():
    try:
        name = distribution.metadata["Name"]
        if name:
            distributions.append(
                {
                    "name": str(name),
                    "version": str(distribution.version),
                    "requires": [str(text) for text in distribution.requires or []],
                }
            )
    except Exception:  # A broken one is as good as none.
        pass

print(
    json.dumps(
        {
            "markers": {
                "implementation_name": sys.implementation.name,
                "implementation_version": numbered(sys.implementation.version),
                "os_name": os.name,
                "platform_machine": platform.machine(),
                "platform_python_implementation": platform.python_implementation(),
                "platform_release": platform.release(),
                "platform_system": platform.system(),
                "platform_version": platform.version(),
                "python_full_version": platform.python_version().rstrip("+"),
                "python_version": ".".join(platform.python_version_tuple()[:2]),
                "sys_platform": sys.platform,
            },
            "distributions": distributions,
        }
    )
)
