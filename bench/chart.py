"""Small SVG charts: panels side by side, each with lines over a logarithmic or a linear x axis.

What is drawn depends on the figures alone, and stands in lines of its own, so that two versions
of a chart can be compared as text. The background is white and drawn, for a page may be dark.
"""
import math
from dataclasses import dataclass, field
from typing import Optional
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 420, 340       # of a panel
LEFT, RIGHT, BOTTOM = 62, 26, 46
TITLE, ENTRY, UNIT = 26, 16, 30  # rows above the plot: the title, the legend's, the unit's
SHORT = 22                     # characters of a label that leave room for another beside it
INK, FAINT, PAPER = "#1f2328", "#d8dee4", "#ffffff"
COLOURS = ("#0b62c4", "#c2410c", "#15803d", "#7c3aed", "#a16207", "#be185d")


@dataclass
class Line:
    """points: (x, y), y None where nothing is known. A bare limit is dashed; it has the colour
    of what is held against it if that has the same `colour`, a number."""
    label: str
    points: list
    colour: int = 0
    dashed: bool = False


@dataclass
class Axis:
    """base: of a logarithmic axis, 10 or 2; None: linear, from 0. unit: behind each number;
    ticks: where there are to be some, instead of at each power (or each so many) of the
    base."""
    label: str
    base: Optional[int] = 10
    unit: str = ""
    ticks: list = field(default_factory=list)


@dataclass
class Panel:
    title: str
    x: Axis
    y: Axis
    lines: list


def number_text(value, base=10, unit=""):
    """1000 is 1 k, 1024 to the base 2 is 1 Ki."""
    step, prefixes = (1024, ("", "Ki", "Mi", "Gi")) if base == 2 else (1000, ("", "k", "M", "G"))
    power = 0
    while abs(value) >= step and power + 1 < len(prefixes):
        value, power = value / step, power + 1
    text = f"{value:.6g}"
    return f"{text} {prefixes[power]}{unit}" if prefixes[power] or unit else text


class Scale:
    """From figures to places between `start` and `end`, and where ticks stand. On a logarithmic
    axis 0 stands one step before the least."""

    def __init__(self, axis, values, start, end):
        self.axis, self.start, self.end = axis, start, end
        above = [value for value in values if value > 0] or [1]
        self.has_zero = axis.base is not None and min(values, default=1) <= 0
        if axis.base is None:
            self.low, self.high, self.labelled = 0, *self.linear_ticks(max(above))
        else:
            self.low, self.high, self.labelled = self.log_ticks(min(above), max(above))

    def linear_ticks(self, most):
        if self.axis.ticks:
            return max(self.axis.ticks), self.axis.ticks
        step = 10 ** math.floor(math.log10(most))
        step = next(step * part for part in (0.2, 0.25, 0.5, 1, 2) if most / (step * part) <= 6)
        count = math.ceil(most / step - 1e-9)
        return step * count, [step * i for i in range(count + 1)]

    def log_ticks(self, least, most):
        base = self.axis.base
        low, high = math.floor(math.log(least, base) + 1e-9), math.ceil(math.log(most, base) - 1e-9)
        high = max(high, low + 1)
        every = 1 if high - low <= 8 else 2 if high - low <= 12 else 4
        ticks = self.axis.ticks or [base ** power for power in range(low, high + 1) if (power - low) % every == 0]
        if base == 10 and high - low <= 2 and not self.axis.ticks:
            ticks = [part * 10 ** power for power in range(low, high) for part in (1, 2, 5)] + [10 ** high]
        self.zero_step = every
        return low - (every if self.has_zero else 0), high, ticks

    def at(self, value):
        if self.axis.base is None:
            place = value / self.high
        else:
            power = self.low if value <= 0 else math.log(value, self.axis.base)
            place = (power - self.low) / (self.high - self.low)
        return round(self.start + place * (self.end - self.start), 1)

    def ticks(self):
        if self.has_zero:
            yield self.start, "0"
        least = 0 if self.axis.base is None else self.axis.base ** (self.low + self.zero_step * self.has_zero)
        for tick in self.labelled:
            if tick < least:
                continue  # of an axis that begins later
            yield self.at(tick), number_text(tick, self.axis.base or 10, self.axis.unit)


def text(x, y, words, more=""):
    return f'<text x="{x}" y="{y}"{" " + more if more else ""}>{escape(words)}</text>'


def draw_axes(x, y, left, top, right, bottom, panel):
    for at, label in y.ticks():
        yield f'<path class="grid" d="M{left} {at}H{right}"/>'
        yield text(left - 6, round(at + 4, 1), label, 'text-anchor="end"')
    for at, label in x.ticks():
        yield f'<path class="grid" d="M{at} {top}V{bottom}"/>'
        yield text(at, bottom + 16, label, 'text-anchor="middle"')
    yield f'<path class="axis" d="M{left} {top}V{bottom}H{right}"/>'
    yield text((left + right) / 2, bottom + 36, panel.x.label, 'text-anchor="middle"')


def draw_line(line, x, y):
    """Broken where a point is missing."""
    colour = COLOURS[line.colour % len(COLOURS)]
    dash = ' stroke-dasharray="5 4"' if line.dashed else ""
    pieces, piece = [], []
    for at, value in [*line.points, (None, None)]:
        if value is not None and (value > 0 or y.axis.base is None):
            piece.append((at, value))
        elif piece:
            pieces.append(piece)
            piece = []
    for piece in pieces:
        path = " ".join(f"{x.at(at)},{y.at(value)}" for at, value in piece)
        yield f'<polyline fill="none" stroke="{colour}" stroke-width="1.8"{dash} points="{path}"/>'
        for at, value in piece:
            inside = PAPER if line.dashed else colour
            yield f'<circle cx="{x.at(at)}" cy="{y.at(value)}" r="2.6" fill="{inside}" stroke="{colour}"/>'


def legend_columns(lines):
    return 2 if all(len(line.label) <= SHORT for line in lines) else 1


def draw_legend(lines, left, top, width):
    columns = legend_columns(lines)
    for i, line in enumerate(lines):
        x, y = left + (i % columns) * width / columns, top + (i // columns) * ENTRY
        colour, dash = COLOURS[line.colour % len(COLOURS)], ' stroke-dasharray="5 4"' if line.dashed else ""
        yield f'<path stroke="{colour}" stroke-width="1.8"{dash} d="M{x} {y}h22"/>'
        yield text(x + 28, y + 4, line.label)


def draw_panel(panel, offset, legend_rows):
    left, right = offset + LEFT, offset + WIDTH - RIGHT
    top, bottom = TITLE + UNIT + legend_rows * ENTRY, HEIGHT - BOTTOM
    shown = [line for line in panel.lines if any(value is not None for _, value in line.points)]
    x = Scale(panel.x, [at for line in shown for at, value in line.points if value is not None], left, right)
    y = Scale(panel.y, [value for line in shown for _, value in line.points if value is not None], bottom, top)
    yield text(offset + 16, 24, panel.title, 'class="title"')
    yield from draw_legend(shown, offset + 16, TITLE + 16, WIDTH - 28)
    yield text(offset + 16, top - 8, panel.y.label, 'class="unit"')
    yield from draw_axes(x, y, left, top, right, bottom, panel)
    for line in shown:
        yield from draw_line(line, x, y)


def svg(title, panels):
    """The text of an SVG file. title: for those who cannot see it."""
    width, legend_rows = WIDTH * len(panels), max(-(-len(panel.lines) // legend_columns(panel.lines)) for panel in panels)
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}" viewBox="0 0 {width} {HEIGHT}" '
           f'role="img">')
    yield f"<title>{escape(title)}</title>"
    yield ("<style>text{font:12px sans-serif;fill:" + INK + "}.title{font-weight:bold;font-size:13px}.unit{font-style:italic}"
           ".grid{stroke:" + FAINT + ";fill:none}.axis{stroke:" + INK + ";fill:none}</style>")
    yield f'<rect width="{width}" height="{HEIGHT}" rx="6" fill="{PAPER}"/>'
    for number, panel in enumerate(panels):
        yield from draw_panel(panel, number * WIDTH, legend_rows)
    yield "</svg>"
