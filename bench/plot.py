"""Bar charts as SVG, with nothing but the standard library: groups of bars on a logarithmic axis, each with its figure."""

import math
from xml.sax.saxutils import escape

COLOURS = ["#1f6f8b", "#c8553d", "#8a8d91", "#588157"]
BAR, GAP, LEFT, WIDTH, TOP = 16, 14, 230, 860, 64


def bars(title, unit, groups):
    """`groups`: label → {series: value}. Values are positive; a series that a group lacks is left out."""
    series = list(dict.fromkeys(name for group in groups.values() for name in group))
    values = [value for group in groups.values() for value in group.values() if value > 0]
    low = 10 ** math.floor(math.log10(min(values)))
    high = max(values) * 1.3
    room = WIDTH - LEFT - 90

    def x(value):
        return LEFT + room * math.log(max(value, low) / low) / math.log(high / low)

    parts, y = [], TOP
    for label, group in groups.items():
        parts.append(text(LEFT - 10, y + BAR * len(group) / 2 + 4, label, "end"))
        for name, value in group.items():
            colour = COLOURS[series.index(name) % len(COLOURS)]
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{max(x(value) - LEFT, 1):.1f}" height="{BAR - 2}" fill="{colour}"/>')
            parts.append(text(x(value) + 6, y + BAR - 5, figure(value)))
            y += BAR
        y += GAP
    tick = low
    while tick <= high:
        parts.insert(0, f'<line x1="{x(tick):.1f}" y1="{TOP - 6}" x2="{x(tick):.1f}" y2="{y - GAP}" stroke="#ddd"/>')
        parts.append(text(x(tick), y + 4, figure(tick), "middle"))
        tick *= 10
    legend = LEFT
    for name in series:
        parts.append(f'<rect x="{legend}" y="36" width="12" height="12" fill="{COLOURS[series.index(name) % len(COLOURS)]}"/>')
        parts.append(text(legend + 17, 46, name))
        legend += 40 + 8 * len(name)
    head = text(10, 22, f"{title} ({unit}, logarithmic)", size=15)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 16}" font-family="sans-serif" font-size="12">'
            f'<rect width="100%" height="100%" fill="white"/>{head}{"".join(parts)}</svg>\n')


def text(x, y, words, anchor="start", size=12):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(words)}</text>'


def figure(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
