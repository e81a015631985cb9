"""What a figure is: what is asked of each server, and what pkgctl has to come to."""

from collections import namedtuple
from dataclasses import dataclass, field

# `against` is a peer's name, another row of pkgctl's own (`row:KEY`), or None for the figure itself. The figure, or its
# ratio to the other, must be at least (">=") or at most ("<=") the bound.
Bound = namedtuple("Bound", "against relation number")


@dataclass(frozen=True)
class Row:
    key: str
    title: str
    unit: str
    take: object  # a function from a server and a `Context` to a sample: a dict with `value`
    more_is_better: bool = True
    goal: str = ""
    bounds: tuple = field(default_factory=tuple)
    with_password: bool = False
    needs: str = ""  # the row whose sample this one is another side of


class Context:
    """What a figure may need beside the server."""

    def __init__(self, tools, load, sizes, scratch, repetition):
        self.tools = tools
        self.load = load
        self.sizes = sizes
        self.scratch = scratch
        self.repetition = repetition
        self.uploaded = 0

    def new_name(self):
        """A project that no server has."""
        self.uploaded += 1
        letters = "".join(chr(97 + int(digit)) for digit in str(self.uploaded))
        return f"bench-new-{'abcdefghijklmnopqrstuvwxyz'[self.repetition % 26]}-{letters}"


def running(take):
    """A figure of a server that is running."""

    def of_running(server, context):
        if not server.is_running():
            server.start()
        return take(server, context)

    return of_running


def at_most(number, unit):
    return {"goal": f"≤ {number} {unit}", "bounds": (Bound(None, "<=", number),)} if number is not None else {}


AS_NGINX = {"goal": "≥ nginx", "bounds": (Bound("nginx", ">=", 1.0),)}
AS_FEW = {"goal": "no slower than with few", "bounds": (Bound("row:small-page-few", ">=", 1.0),)}
