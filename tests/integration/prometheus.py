"""A strict reader of Prometheus' text exposition format 0.0.4, by its rules and promtool's, independent of our writer."""

import re

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r"[a-zA-Z_][a-zA-Z0-9_]*"
_STRING = r'"(?:[^"\\\n]|\\["\\n])*"'
_SAMPLE = re.compile(rf"({_NAME})(?:\{{((?:{_LABEL}={_STRING},?)*)\}})? (\S+)(?: (-?\d+))?")
_PAIR = re.compile(rf"({_LABEL})=({_STRING})")
_TYPES = {"counter", "gauge", "histogram", "summary", "untyped"}
_SHORT_UNITS = {"s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d"}


class Malformed(Exception):
    pass


def require(holds, line, why):
    if not holds:
        raise Malformed(f"{why}: {line!r}")


def _number(word, line):
    require(re.fullmatch(r"[-+]?(\d+\.?\d*([eE][-+]?\d+)?|\.\d+|Inf|NaN)", word), line, "not a number")
    return float(word)


def _labels(text, line):
    labels = {}
    for name, quoted in _PAIR.findall(text or ""):
        require(name not in labels, line, "a label twice")
        require(not name.startswith("__"), line, "a reserved label")
        labels[name] = quoted[1:-1]
    return labels


class _Reader:
    def __init__(self):
        self.families = {}  # name: {"help", "type", "samples": {labels: value}}
        self.current = None

    def comment(self, line):
        words = line.split(" ", 3)
        if len(words) < 3 or words[1] not in ("HELP", "TYPE"):
            return
        name, key = words[2], words[1].lower()
        require(re.fullmatch(_NAME, name), line, "a bad metric name")
        family = self.families.setdefault(name, {"samples": {}})
        require(not _SHORT_UNITS & set(name.split("_")), line, "a unit that is not spelled out (promtool)")
        require(key not in family, line, "said twice")
        require(not family["samples"], line, "after the samples it is about")
        require(len(words) == 4 and words[3] != "", line, "says nothing")
        require(key != "type" or words[3] in _TYPES, line, "no such type")
        require(self.current in (None, name) or not self.families[name]["samples"], line, "families interleave")
        family[key] = words[3]
        self.current = name

    def sample(self, line):
        match = _SAMPLE.fullmatch(line)
        require(match, line, "no sample")
        name, labels, value, _ = match.groups()
        family = self.families.get(name)
        require(family is not None and "type" in family and "help" in family, line, "without HELP and TYPE before it")
        require(name == self.current, line, "samples of one metric must stand together")
        pairs = tuple(sorted(_labels(labels, line).items()))
        require(pairs not in family["samples"], line, "the same sample twice")
        number = _number(value, line)
        if family["type"] == "counter":
            require(number >= 0, line, "a negative counter")
            require(name.endswith("_total"), line, "a counter whose name does not end in _total (promtool)")
        else:
            require(not name.endswith("_total"), line, "a gauge whose name ends in _total (promtool)")
        family["samples"][pairs] = number


def parse(text):
    """Gives {metric: {"type", "help", "samples": {((label, value), ...): number}}}, or raises Malformed."""
    require(text.endswith("\n"), text[-40:], "the last line has no end")
    require("\r" not in text and "\t" not in text, "", "odd white space")
    reader = _Reader()
    for line in text[:-1].split("\n"):
        if line.startswith("#"):
            reader.comment(line)
        elif line != "":
            reader.sample(line)
    for name, family in reader.families.items():
        require(len(family) == 3, name, "HELP and TYPE belong to every metric")
    return reader.families
