"""What came out: ratios with their spread, beside the goals."""

import statistics
import textwrap

MEASURED = "pkgctl"
MET, NEAR, MISSED = "yes", "near", "no"


def judged(rows, samples, peers):
    """One entry for each row that has samples: figures by server, ratios to each peer, and whether the goal is met."""
    taken = {}
    for sample in samples:
        taken.setdefault(sample["row"], {}).setdefault(sample["server"], {})[sample["repetition"]] = sample
    entries = []
    for row in rows:
        by_server = taken.get(row.key)
        if not by_server:
            continue
        own = values(by_server.get(MEASURED, {}))
        entries.append({
            "row": row.key, "title": row.title, "unit": row.unit, "more_is_better": row.more_is_better,
            "figures": {server: spread(values(some).values()) for server, some in by_server.items()},
            "ratios": {peer: spread(ratios(own, values(by_server.get(peer, {})))) for peer in peers},
            "notes": {server: note for server, some in by_server.items() if (note := first_note(some))},
            "disturbed": marked(by_server, "disturbed"), "saturated": marked(by_server, "saturated"),
            "goal": row.goal, "met": verdict(row, own, taken) if own else None,
        })
    return entries


def values(samples):
    """By repetition."""
    return {repetition: sample["value"] for repetition, sample in samples.items() if sample["value"] is not None}


def ratios(own, other):
    """Within each repetition, where both took part."""
    return [own[repetition] / other[repetition] for repetition in own if other.get(repetition)]


def spread(numbers):
    numbers = sorted(numbers)
    if not numbers:
        return None
    return {"median": statistics.median(numbers), "least": numbers[0], "most": numbers[-1], "each": len(numbers)}


def first_note(samples):
    return next((sample["note"] for sample in samples.values() if sample.get("note")), None)


def marked(by_server, mark):
    return sorted(server for server, some in by_server.items() if any(sample[mark] for sample in some.values()))


def verdict(row, own, taken):
    """The worst of the goal's parts; None where nothing could be compared."""
    found = []
    for bound in row.bounds:
        numbers = list(own.values())
        if bound.against:
            is_own = bound.against.startswith("row:")
            key, server = (bound.against[4:], MEASURED) if is_own else (row.key, bound.against)
            numbers = ratios(own, values(taken.get(key, {}).get(server, {})))
        if not numbers:
            continue
        holds = [number >= bound.number if bound.relation == ">=" else number <= bound.number for number in numbers]
        middle = statistics.median(numbers)
        is_met = middle >= bound.number if bound.relation == ">=" else middle <= bound.number
        found.append(MET if all(holds) else MISSED if not any(holds) else NEAR if is_met else MISSED)
    return max(found, key=(MET, NEAR, MISSED).index) if found else None


def table(entries, peers, with_goals=True):
    """As Markdown, with columns that line up."""
    lines = [["figure", MEASURED, *(f"÷ {peer}" for peer in peers), *(["goal", "met"] if with_goals else [])]]
    for entry in entries:
        less = "" if entry["more_is_better"] else " (less is better)"
        lines.append([
            f"{entry['title']}, {entry['unit']}{less}",
            cell(entry, entry["figures"].get(MEASURED), MEASURED),
            *(cell(entry, entry["ratios"][peer], peer) for peer in peers),
            *([entry["goal"], entry["met"] or ""] if with_goals else []),
        ])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(text.ljust(width) for text, width in zip(line, widths)) + " |" for line in lines)


def cell(entry, numbers, server):
    if not numbers:
        return "failed" if "failed" in (entry["notes"].get(server) or "") else "no" if server in entry["notes"] else ""
    marks = "!" * (server in entry["disturbed"]) + "*" * (server in entry["saturated"])
    if numbers["least"] == numbers["most"]:
        return shown(numbers["median"]) + marks
    return f"{shown(numbers['median'])}{marks} ({shown(numbers['least'])}–{shown(numbers['most'])})"


def shown(number):
    if number == 0:
        return "0"
    for least, form in ((100, ",.0f"), (10, ".1f"), (0.1, ".2f")):
        if number >= least:
            return format(number, form)
    return format(number, ".2g")


RATIOS = """Each ratio is pkgctl's figure divided by the peer's within one repetition: the median, and in brackets the least and
the most. `!`: others on the machine were busy, `*`: the load tool had no core left, so that the server may do more.
`no`: the server does not offer it."""
GOALS = "Goals are met in every repetition (yes), in most (near), or not (no)."


def setting(document):
    """What was measured by what, in a sentence or two."""
    versions = document["versions"].items()
    machine = document["machine"]
    who = ", ".join(f"{name} {version or 'of an unknown version'}" for name, version in versions)
    said = (f"{who}. Load: {document['load_tool']}, {document['load_seconds']:g} s for each figure, "
            f"repetitions: {document['repetitions']}. {machine['processor']}, {machine['cores']} cores.")
    said += "".join(f" Left out: {name}: {why}." for name, why in document["left_out"].items())
    return textwrap.fill(said, 118)


def peers_of(document):
    return [name for name in document["versions"] if name != MEASURED]


def text(document):
    """All of it, for a terminal."""
    shown = table(document["rows"], peers_of(document))
    return f"{setting(document)}\n\n{shown}\n\n{RATIOS} {GOALS}\n"


BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->"


def put_into(path, document):
    """Replaces what stands between the marks of a Markdown file."""
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"`{path}` has no line `{BEGIN.strip()}` with a line `{END}` below")
    shown = table(document["rows"], peers_of(document), with_goals=False)
    path.write_text(f"{before}{begin}\n{setting(document)}\n\n{shown}\n\n{RATIOS}\n\n{end}{after}")
