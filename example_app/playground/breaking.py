"""Breaks a request on purpose: a button changes one thing, and the request is really sent. The walk stays where it is."""

from __future__ import annotations

import json
import secrets
from contextlib import nullcontext
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask_oauth_gateway.doctor.refused import Explanation

from ..flows.exchange import Step, UnexpectedAnswer, exchange
from ..flows.walk import FORM, Approval
from .inside import Inside
from .mistakes import BREAKS, REPLAY, Sent, once
from .run import OnPurpose, Run

#: Of one walk: enough to try everything twice.
MOST = 60


def taken_apart(each: Step | Approval) -> Sent:
    """A request, or what a person's browser is to send, in parts."""
    headers, body, method = ({}, "", "GET") if isinstance(each, Approval) else (each.headers, each.body, each.method)
    parts = urlsplit(each.url)
    sent = Sent(method, parts._replace(query="").geturl(), dict(headers), query=dict(parse_qsl(parts.query)))
    if sent.headers.get("Content-Type") == "application/json":
        sent.json = json.loads(body)
    else:
        sent.form = dict(parse_qsl(body))
    return sent


def put_together(title: str, sent: Sent) -> Step:
    url = f"{sent.url}?{urlencode(sent.query)}" if sent.query else sent.url
    is_form = sent.headers.get("Content-Type") == FORM
    body = urlencode(sent.form) if is_form else json.dumps(sent.json, ensure_ascii=False) if sent.json else ""
    return Step(title, sent.method, url, sent.headers, body, ())


def carried(sent: Sent) -> dict[str, str]:
    """What a request carries that its server keeps, by name."""
    return {"access_token": sent.token} if sent.token else sent.form


def last_sent(run: Run) -> Step | None:
    """The request that was answered just now, where it was a good one."""
    last = next((each for each in reversed(run.to.story) if isinstance(each, Step | Approval)), None)
    is_good = isinstance(last, Step) and last.answer is not None and last.answer.status < 400
    return last if is_good and isinstance(last, Step) else None


def offered(run: Run) -> list[tuple[str, str]]:
    """The names and labels of the buttons that a walk has now."""
    found = []
    if isinstance(run.next, Step | Approval) and not expects_refusal(run.next):
        sent = taken_apart(run.next)
        found = [(name, each.label) for name, each in BREAKS.items() if each.fits(sent)]
    last = last_sent(run)
    return [*found, *([("replay", REPLAY.label)] if last is not None and once(taken_apart(last)) else [])]


def expects_refusal(each: Step | Approval) -> bool:
    """Whether a request is broken as it stands: the walk shows a refusal itself."""
    return isinstance(each, Step) and min(each.expected) >= 400


@dataclass
class Broken:
    """A request that was broken on purpose: what it was to be, what was sent, and why the server refused it."""

    label: str
    why: str
    whole: Step
    step: Step
    explanation: Explanation | None


def break_it(run: Run, position: int, name: str, inside: Inside) -> None:
    """Send the next request broken in this way, or the last one again, if the button's page is still the newest."""
    with run.lock:
        if position != run.position or name not in dict(offered(run)) or run.broken >= MOST:
            return
        each, way = (last_sent(run), REPLAY) if name == "replay" else (run.next, BREAKS[name])
        if not isinstance(each, Step | Approval):
            return
        sent, title = taken_apart(each), f"On purpose: {way.label[0].lower()}{way.label[1:]}"
        ends = way.ends(sent)
        whole = put_together(title, taken_apart(each))
        way.change(sent)
        step, asked = put_together(title, sent), secrets.token_urlsafe(12)
        keeping = nullcontext() if name == "replay" else inside.kept(carried(sent), ended=name in ("expired", "ended"))
        try:
            with keeping:
                step.answer = exchange(step, inside.ask(asked, sent.query | sent.form))
        except UnexpectedAnswer as error:
            run.end(error)
            return
        run.to.story.append(Broken(way.label, way.why, whole, step, inside.told(asked)))
        run.broken += 1
        if ends:
            run.end(OnPurpose(ends))
