"""The picture of a lab: its services, stores and clients in layers, each edge an arrow that the page colours live."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup, escape

from faultline.api.app import DATA_STORES, App

NODE_WIDTH, NODE_HEIGHT = 146, 44
GAP_ALONG, GAP_ACROSS = 78, 26
MARGIN = 10
TIP = 5
SWEEPS = 4
_TITLES = {
    "client": "customers",
    "postgres": "Postgres",
    "primary": "Postgres",
    "postgres-replica": "replica",
    "postgres-second": "second Postgres",
    "replica": "replica",
    "redis": "Redis",
    "pgbouncer": "PgBouncer",
    "rabbitmq": "RabbitMQ",
}
_SAME = {"primary": "postgres", "replica": "postgres-replica"}
"""Ends of the replication's edge under the names that services know them by."""


Links = list[tuple[str, str, str]]
"""Name, from, to."""


@dataclass(frozen=True)
class Node:
    """A box. `kind`: client, service, shared or store; x and y of its middle."""

    name: str
    title: str
    kind: str
    x: float
    y: float


@dataclass(frozen=True)
class Arrow:
    """An edge by its name, with the line to draw."""

    name: str
    source: str
    target: str
    line: str


@dataclass(frozen=True)
class Picture:
    """Boxes and arrows within width and height."""

    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    width: float
    height: float
    tall: bool


def draw(app: App, *, tall: bool = False) -> Picture:
    """A lab's picture, left to right; with `tall` top to bottom, for narrow screens.

    A store that is left out is in it: whether it is there is a matter of the learner's code, and shown live.
    """
    links = [
        (each.name, _SAME.get(each.source, each.source), _SAME.get(each.target, each.target))
        for each in app.edges(off=True).values()
    ]
    layers = _layers(links)
    ways = _ways(layers, links)
    hops = [(name, a, b) for name, way in ways.items() for a, b in pairwise(way)]
    places = _places(_ordered(layers, hops), tall)
    boxes = {end for _, a, b in links for end in (a, b)}
    shared = {each.name for each in app.services if each.shared}
    return Picture(
        nodes=tuple(Node(each, _TITLES.get(each, each), _kind(each, shared), *places[each]) for each in sorted(boxes)),
        arrows=tuple(Arrow(name, a, b, _line([places[each] for each in ways[name]], tall)) for name, a, b in links),
        width=max(x for x, _ in places.values()) + MARGIN + NODE_WIDTH / 2,
        height=max(y for _, y in places.values()) + MARGIN + NODE_HEIGHT / 2,
        tall=tall,
    )


def _places(layers: list[list[str]], tall: bool) -> dict[str, tuple[float, float]]:
    """The middle of each box and of each bend."""
    along, across = float(NODE_WIDTH + GAP_ALONG), float(NODE_HEIGHT + GAP_ACROSS)
    if tall:
        along, across = NODE_HEIGHT + GAP_ALONG / 2, NODE_WIDTH + GAP_ACROSS / 2
    breadth = max(len(each) for each in layers)
    places = {}
    for depth, layer in enumerate(layers):
        start = (breadth - len(layer)) / 2
        for row, name in enumerate(layer):
            a, b = depth * along, (start + row) * across
            x, y = (b, a) if tall else (a, b)
            places[name] = (x + MARGIN + NODE_WIDTH / 2, y + MARGIN + NODE_HEIGHT / 2)
    return places


def _ways(layers: list[list[str]], links: Links) -> dict[str, list[str]]:
    """By edge, the boxes and bends that its arrow goes by: one that passes a layer gets a place of its own in it."""
    depth = {name: level for level, layer in enumerate(layers) for name in layer}
    ways = {}
    for name, a, b in links:
        bends = [f"{name}#{level}" for level in range(depth[a] + 1, depth[b])]
        for bend, level in zip(bends, range(depth[a] + 1, depth[b]), strict=True):
            layers[level].append(bend)
        ways[name] = [a, *bends, b]
    return ways


def _kind(name: str, shared: set[str]) -> str:
    if name == "client":
        return "client"
    return "store" if name in DATA_STORES else "shared" if name in shared else "service"


def _layers(links: Links) -> list[list[str]]:
    """Each node one layer behind the last of those that call it; what calls in circles stays where it was found."""
    depth = {"client": 0}
    names = list(dict.fromkeys(end for _, a, b in links for end in (a, b)))
    for _ in names:
        for _, a, b in links:
            if a in depth and not _leads_to(links, b, a):
                depth[b] = max(depth.get(b, 0), depth[a] + 1)
            elif a in depth:
                depth.setdefault(b, depth[a] + 1)
    for name in names:  # what nobody calls
        depth.setdefault(name, 1)
    used = sorted(set(depth.values()))
    return [[name for name in names if depth[name] == level] for level in used]


def _leads_to(links: Links, start: str, end: str) -> bool:
    found, todo = set(), [start]
    while todo:
        here = todo.pop()
        if here == end:
            return True
        if here not in found:
            found.add(here)
            todo += [b for _, a, b in links if a == here]
    return False


def _ordered(layers: list[list[str]], links: Links) -> list[list[str]]:
    """Each layer in the order of the middle of its neighbours, so that few arrows cross."""
    for sweep in range(SWEEPS):
        pairs = list(pairwise(layers)) if sweep % 2 == 0 else [(b, a) for a, b in reversed(list(pairwise(layers)))]
        for fixed, free in pairs:
            free.sort(key=lambda name: _middle(name, fixed, links, len(free)))
    return layers


def _middle(name: str, fixed: list[str], links: Links, size: int) -> float:
    found = [fixed.index(other) / max(1, len(fixed) - 1) for other in _neighbours(name, links) if other in fixed]
    return sum(found) / len(found) if found else 0.5


def _neighbours(name: str, links: Links) -> Iterable[str]:
    for _, a, b in links:
        if name in (a, b):
            yield b if a == name else a


Point = tuple[float, float]


def _line(points: list[Point], tall: bool) -> str:
    """The path of an arrow from box to box through the bends between."""
    (x1, y1), (x2, y2) = points[0], points[-1]
    half, room = (NODE_HEIGHT / 2, NODE_WIDTH / 2) if tall else (NODE_WIDTH / 2, NODE_HEIGHT / 2)
    if abs(y1 - y2) < 1 if tall else abs(x1 - x2) < 1:  # in one layer: straight from side to side
        side = 1 if (x2 > x1 if tall else y2 > y1) else -1
        begin, end = side * room, -side * (room + TIP)
        return f"M{x1 + begin * tall},{y1 + begin * (not tall)} L{x2 + end * tall},{y2 + end * (not tall)}"
    back = -1 if (y2 < y1 if tall else x2 < x1) else 1
    start = (x1, y1 + back * half) if tall else (x1 + back * half, y1)
    stop = (x2, y2 - back * (half + TIP)) if tall else (x2 - back * (half + TIP), y2)
    path = [f"M{start[0]:.1f},{start[1]:.1f}"]
    for (ax, ay), (bx, by) in pairwise([start, *points[1:-1], stop]):
        bend = ((by - ay) if tall else (bx - ax)) / 2
        first, second = ((ax, ay + bend), (bx, by - bend)) if tall else ((ax + bend, ay), (bx - bend, by))
        path.append(f"C{first[0]:.1f},{first[1]:.1f} {second[0]:.1f},{second[1]:.1f} {bx:.1f},{by:.1f}")
    return " ".join(path)


def svg(picture: Picture) -> Markup:
    """The picture as SVG. Boxes carry `data-node`, arrows `data-edge`; the page's script adds their state."""
    size = f"0 0 {picture.width:.0f} {picture.height:.0f}"
    shape = "tall" if picture.tall else "wide"
    mark = f"tip-{shape}"
    parts = [
        Markup('<svg class="lab {}" viewBox="{}" style="max-width:{}px" aria-hidden="true">').format(
            shape, size, round(picture.width * (1.05 if picture.tall else 1.15))
        ),
        Markup(
            '<defs><marker id="{}" viewBox="0 0 8 8" refX="3" refY="4" markerWidth="7" markerHeight="7" '
            'markerUnits="userSpaceOnUse" orient="auto"><path d="M0,0.5 L7,4 L0,7.5 z"/></marker></defs>'
        ).format(mark),
    ]
    for arrow in picture.arrows:
        parts.append(
            Markup(
                '<g class="edge" data-edge="{0}"><path class="hit" d="{1}"/><path class="line" d="{1}" '
                'marker-end="url(#{2})"/><title>{0}</title></g>'
            ).format(arrow.name, arrow.line, mark)
        )
    for node in picture.nodes:
        parts.append(_box(node))
    return Markup("").join([*parts, Markup("</svg>")])


def _box(node: Node) -> Markup:
    x, y = node.x - NODE_WIDTH / 2, node.y - NODE_HEIGHT / 2
    radius = NODE_HEIGHT / 2 if node.kind == "client" else 9
    return Markup(
        '<g class="node {kind}" data-node="{name}"><rect x="{x}" y="{y}" width="{w}" height="{h}" rx="{r}"/>'
        '<circle class="dot" cx="{dx}" cy="{cy}" r="4.5"/>'
        '<text class="name" x="{cx}" y="{ty}">{title}</text><text class="more" x="{cx}" y="{my}"></text></g>'
    ).format(
        kind=node.kind, name=escape(node.name), title=node.title, x=x, y=y, w=NODE_WIDTH, h=NODE_HEIGHT, r=radius,
        dx=x + 16, cx=node.x + (0 if node.kind == "client" else 7), cy=node.y, ty=node.y + 5, my=node.y + 17,
    )  # fmt: skip
