"""Renews the pictures of the docs: `python -m tests.pictures [alerts] [drill] [status-page] [lineage]`, or all of them.

Each is made by the code that it shows: the preview of alerts, a drill against a sandbox of its own, the page's renderer (its
past is invented), Dagster's own page. Chromium takes them; each is written with a palette and is at most 300 kB.
"""

from __future__ import annotations

import base64
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from playwright.sync_api import Browser, Locator, Page, sync_playwright
from rich.console import Console

from oso_dagster.domain.objectives.objectives import SERVICES, of_service, summary
from oso_dagster.domain.objectives.over_time.history import DayHistory
from oso_dagster.domain.objectives.slo import Assessment, Objective, Verdict
from oso_dagster.domain.status.objective_state import ObjectiveState
from oso_dagster.domain.status.page import ServiceState, StatusPage
from oso_dagster.domain.status.public_incidents import PublicAnnouncement, PublicIncident, Update
from oso_dagster.orchestration import labels
from oso_dagster.settings import PROJECT_ROOT
from oso_dagster.sources import catalogue
from oso_dagster.statuspage.render import render
from tests.support.browser import FLAGS, executable
from tests.support.platform import BIN, environment

DOCS = PROJECT_ROOT / "docs"
MOST_BYTES = 300_000
EXPANDED = (
    *sorted({group.split("/")[0] for group in map(labels.group, catalogue())}),
    "sqlmesh",
)
IN_THE_LINEAGE = (*(source.name for source in catalogue()), "staging", "intermediate", "marts", "platform")
"""Every source, every layer of models, and the platform with its objectives, as one box, which a click opens."""
_TOP_BARS = 140
"""The height of Dagster's bars above the lineage, in pixels."""

_COUNTED = {"core_source_data": (2_016, 2_017), "unstable_source_data": (431, 442), "sqlmesh": (11_160, 11_167)}

_FEWER_COLOURS = """async ([address, colours]) => {
    const image = new Image(); image.src = address; await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height), context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const data = context.getImageData(0, 0, image.width, image.height).data, counts = new Map();
    const key = at => data[at] << 16 | data[at + 1] << 8 | data[at + 2];
    for (let at = 0; at < data.length; at += 4) counts.set(key(at), (counts.get(key(at)) || 0) + 1);
    const channels = colour => [colour >> 16, colour >> 8 & 255, colour & 255];
    const weight = ([colour, count]) => count * (1 + Math.max(...channels(colour)) - Math.min(...channels(colour)));
    const kept = [...counts].sort((one, other) => weight(other) - weight(one)).slice(0, colours).map(pair => pair[0]);
    const distance = (one, other) => channels(one).reduce((sum, value, at) => sum + (value - channels(other)[at]) ** 2, 0);
    const place = new Map([...counts.keys()].map(colour =>
        [colour, kept.reduce((best, other, at) => distance(colour, other) < distance(colour, kept[best]) ? at : best, 0)]));
    let text = "";
    for (let at = 0; at < data.length; at += 4) text += String.fromCharCode(place.get(key(at)));
    return [image.width, image.height, kept.flatMap(channels), btoa(text)];
}"""


def lineage(browser: Browser, dagster: str, target: Path) -> Page:
    """The whole lineage as one picture of Dagster's page at `dagster`, sources and layers as boxes."""
    width, height = 2600, 2000
    page = browser.new_page(viewport={"width": width, "height": height})
    expanded = ",".join(f"global@global:{group}" for group in EXPANDED)
    page.goto(f"{dagster}/asset-groups?expanded={expanded}")
    page.locator("foreignObject").first.wait_for(timeout=120_000)
    page.add_style_tag(content="svg path { stroke: #64748b; stroke-width: 2.5px }")  # its own lines are faint on paper
    page.mouse.move(width / 2, height / 2)
    for _ in range(8):  # boxes outside of the page are not drawn: smaller until each is inside
        missing = [name for name in IN_THE_LINEAGE if not _boxes(page, name).count()]
        boxes = _all_boxes(page)
        ends = min(box["y"] for box in boxes), max(box["y"] + box["height"] for box in boxes)
        if not missing and ends[0] > _TOP_BARS and ends[1] < height - 40:
            break
        page.keyboard.down("Control")
        page.mouse.wheel(0, 100)
        page.keyboard.up("Control")
        page.wait_for_timeout(1_500)
    else:
        raise RuntimeError(f"the lineage does not fit: it shows no {', '.join(missing)}; from {ends[0]} to {ends[1]}")
    page.wait_for_timeout(2_000)
    boxes = _all_boxes(page)
    left, top = min(box["x"] for box in boxes) - 20, min(box["y"] for box in boxes) - 20
    right, bottom = max(box["x"] + box["width"] for box in boxes) + 20, max(box["y"] + box["height"] for box in boxes) + 20
    target.parent.mkdir(exist_ok=True)
    page.screenshot(path=target, clip={"x": left, "y": top, "width": right - left, "height": bottom - top})
    return page


def _all_boxes(page: Page) -> list[Any]:
    return [box for node in page.locator("foreignObject").all() if (box := node.bounding_box()) and box["width"] > 5]


def _boxes(page: Page, name: str) -> Locator:
    return page.locator("foreignObject", has_text=re.compile(rf"^{name}"))


def _of_dagster(browser: Browser, folder: Path, target: Path) -> None:
    """Dagster's page on an instance in which nothing ran."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\nnux: {enabled: false}\n")
    variables = environment(folder, OSO_WORLD="sandbox", DAGSTER_HOME=str(folder))
    command = [str(BIN / "dagster-webserver"), "-m", "oso_dagster.definitions", "-p", str(port)]
    silent = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=PROJECT_ROOT, env=variables, stdout=silent, stderr=silent) as server:
        try:
            _wait(f"http://127.0.0.1:{port}/server_info")
            lineage(browser, f"http://127.0.0.1:{port}", target).close()
        finally:
            server.terminate()


def _of_alerts(browser: Browser, folder: Path, target: Path) -> None:
    """A message of every kind."""
    made = folder / "alerts.html"
    variables = environment(folder, OSO_WORLD="sandbox")
    subprocess.run([str(BIN / "oso"), "alerts", "preview", "--html", str(made)], env=variables, check=True, capture_output=True)
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    page.goto(made.as_uri())
    page.add_style_tag(content="main { max-width: none } section { columns: 2 } article { break-inside: avoid }")
    page.screenshot(path=target, full_page=True)


def _of_drill(browser: Browser, folder: Path, target: Path) -> None:
    """The sprint's message after a drill, with what it said before."""
    from oso_dagster.cli.drill import OBJECTIVE, PAGE, run_drill
    from oso_dagster.sandbox import lifecycle
    from oso_dagster.settings import Settings

    os.environ |= {"OSO_HOME": str(folder), "OSO_WORLD": "sandbox"}
    settings = Settings()
    with lifecycle.running(settings) as endpoints:
        problems = run_drill(settings, endpoints, Console(stderr=True))
    if problems:
        raise RuntimeError("; ".join(problems))
    page = browser.new_page(viewport={"width": 760, "height": 900}, color_scheme="dark")
    page.goto((settings.world_dir / PAGE).as_uri())
    message = page.locator("[id^=m]", has_text=f"Remedial sprint of {OBJECTIVE}").last
    message.evaluate("node => node.querySelectorAll('details').forEach(each => { each.open = true })")
    message.screenshot(path=target)


def _of_status_page(browser: Browser, folder: Path, target: Path) -> None:
    """The first page with a sprint; its past is invented."""
    for name, text in render(_invented(datetime.now(UTC))).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    page = browser.new_page(viewport={"width": 1000, "height": 1415})
    page.goto((folder / "index.html").as_uri())
    page.screenshot(path=target)


def _invented(now: datetime) -> StatusPage:
    services = tuple(
        ServiceState(name, title, text, tuple(_state(objective, now) for objective in of_service(name)))
        for name, (title, text) in SERVICES.items()
    )
    began, hour = now - timedelta(hours=9), timedelta(hours=1)
    sprint = PublicIncident(
        "core_source_data.data_freshness",
        "Not met: Core assets within their promised freshness",
        "When last missed: 28 of 29 good (96.55 %); the target is all of them.",
        began,
        service="core_source_data",
        objective="core_source_data.data_freshness",
        affected=("oss_funding/funding_data",),
        owners=("team:data",),
        sprint=True,
        updates=(
            Update(began, "The objective is missed: the sprint is opened."),
            Update(began + hour, "Somebody is working on it."),
            Update(began + 2 * hour, "The file has moved. We follow it to its new address."),
        ),
    )
    soon = PublicAnnouncement(1, "On Monday the SQL endpoint gets a second address; the first one stays.", now - 30 * hour)
    return StatusPage("sandbox", now, timedelta(minutes=45), services, (), (sprint,), announcements=(soon,))


def _state(objective: Objective, now: datetime) -> ObjectiveState:
    """As an evaluation of an invented month found it; what is sampled has no data."""
    stale = objective.name == "data_freshness"
    good, valid = (28, 29) if stale else _COUNTED.get(objective.service, (0, 0))
    if objective.name in ("partition_completeness", "data_coverage"):
        good = valid = 96
    verdict = Verdict.NO_DATA if not valid else Verdict.BREACHED if stale else Verdict.COMPLIANT
    shown = {0: verdict, 40: Verdict.BREACHED, 41: Verdict.BREACHED} if stale else {}
    dates = [(ago, now.date() - timedelta(days=ago)) for ago in range(89, -1, -1)]
    days = [DayHistory(date, shown.get(ago, Verdict.COMPLIANT), good, valid, 96) for ago, date in dates]
    return ObjectiveState(
        id=objective.id,
        title=objective.title,
        verdict=verdict,
        good=good,
        valid=valid,
        target=objective.target,
        window=objective.window,
        summary=summary(Assessment(objective, verdict, good, valid, (), now)),
        guilty=("oss_funding/funding_data",) if stale else (),
        evaluated_at=now,
        days=tuple(days) if valid else tuple(DayHistory(day.day) for day in days),
        each=objective.each,
    )


def _wait(address: str) -> None:
    for _ in range(240):
        try:
            with urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError(f"{address} does not answer")


PICTURES: dict[str, Callable[[Browser, Path, Path], None]] = {
    "alerts": _of_alerts,
    "drill": _of_drill,
    "status-page": _of_status_page,
    "lineage": _of_dagster,
}


def _shrink(browser: Browser, target: Path, colours: int = 64) -> None:
    """Write the picture anew with the colours that it has most of, bright ones first; the others become the nearest of them."""
    page = browser.new_page()
    picture = base64.b64encode(target.read_bytes()).decode()
    width, height, palette, places = page.evaluate(_FEWER_COLOURS, [f"data:image/png;base64,{picture}", colours])
    page.close()
    rows, pixels = bytearray(), base64.b64decode(places)
    for start in range(0, width * height, width):
        rows += b"\0" + pixels[start : start + width]
    parts = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)), (b"PLTE", bytes(palette)))
    chunks = (*parts, (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    target.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks))


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def main(names: list[str]) -> None:
    """Make the named pictures, or all; raises when one is too large."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
        for name in names or PICTURES:
            with tempfile.TemporaryDirectory(prefix="oso-picture-") as folder:
                target = DOCS / f"{name}.png"
                PICTURES[name](browser, Path(folder), target)
                for colours in (64, 32, 16):
                    _shrink(browser, target, colours)
                    if target.stat().st_size <= MOST_BYTES:
                        break
                size = target.stat().st_size
                print(f"{target.relative_to(PROJECT_ROOT)}: {size:,} bytes")
                if size > MOST_BYTES:
                    raise ValueError(f"{target} is larger than {MOST_BYTES:,} bytes")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
