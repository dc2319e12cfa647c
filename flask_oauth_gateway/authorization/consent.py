"""What a user must be asked before a client gets scopes, what the answer means, and which consents are remembered."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ..clients.redirect_uris import is_impersonable
from ..config.openid import OPENID
from ..config.permissions import with_implied
from ..permissions.claims import scopes_in

if TYPE_CHECKING:
    from ..config import Settings
    from ..hooks import Hooks
    from ..permissions.resources import Resources
    from ..stores.consents import ConsentStore
    from ..stores.registered_client import Client
    from .request import Authorization


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask a user: the `new` scopes, of which `required` can't be unticked. The `known` ones were allowed before."""

    subject: str
    new: tuple[str, ...]
    known: tuple[str, ...]
    required: frozenset[str]
    needs_asking: bool
    included: Mapping[str, frozenset[str]] = field(default_factory=dict)  # what isn't shown: by each, what includes it
    resources: tuple[str, ...] = ()  # that the token is to be for

    @property
    def names(self) -> tuple[str, ...]:
        """All that the client may get by an answer, shown or included."""
        return (*self.new, *self.known, *self.included)


class Decision(NamedTuple):
    """What the user allowed: which scopes, how long, with or without a refresh token, and whether to remember it."""

    scopes: tuple[str, ...]
    lasts_until: int | None = None
    refreshable: bool = True
    is_remembered: bool = True


class Consents:
    """Finds out what to ask users, and remembers what they consented to."""

    def __init__(self, settings: Settings, hooks: Hooks, consents: ConsentStore, resources: Resources) -> None:
        self._settings = settings
        self._hooks = hooks
        self._store = consents
        self._resources = resources
        self._required = frozenset(settings.required_scopes).union({OPENID} if settings.oidc else ())

    def question_for(self, authorization: Authorization, subject: str, shown: Collection[str] = ()) -> Question:
        """What this user must be asked for this request; only scopes without a remembered consent are new.

        A consent is for the resources that the token was for: what a client may read of one says nothing about another.

        For a client whose redirect URI any app could receive, and which is public or unchecked, the user is always asked:
        nothing proves that it is the same client (RFC 8252 section 8.6). For an unchecked one neither `skip_consent` nor
        the hook counts: only the user knows this client. Authorization details are asked for each time, whoever asks: what
        was allowed once, such as one payment, isn't allowed twice. `shown` are the scopes on the page that the user is answering:
        they count as new even where another tab was answered meanwhile, so that the user can still refuse them here.
        """
        client, hook = authorization.client, self._hooks.approve
        default = self._resources.default_audience() if self._resources.are_configured else None
        resources = authorization.audience or tuple((default or "").split())
        granted = self._store.find(subject, client).for_all(resources)
        if self._settings.scope_implies:
            granted = with_implied(granted, self._settings.scope_implies)
        wanted = (*authorization.scopes, *authorization.beyond_scopes)
        new = tuple(name for name in wanted if name not in granted or name in shown)
        known = tuple(name for name in wanted if name not in new)
        anybody = (client.is_public or client.is_unchecked) and is_impersonable(authorization.redirect_uri)
        if anybody or "consent" in authorization.prompt:
            needs_asking = True
        elif not client.is_unchecked and (client.skip_consent or (hook is not None and hook(authorization))):
            needs_asking = False
        else:
            needs_asking = bool(new) or not granted
        if needs_asking and not new:
            new, known = wanted, ()
        needs_asking = needs_asking or bool(authorization.authorization_details)
        return self.question(subject, new, known, resources, needs_asking=needs_asking)

    def question(
        self,
        subject: str,
        new: tuple[str, ...],
        known: tuple[str, ...] = (),
        resources: tuple[str, ...] = (),
        *,
        needs_asking: bool = True,
    ) -> Question:
        """What to ask a user, with the scopes that can't be unticked: `OAUTH_REQUIRED_SCOPES`, and `openid`."""
        included: dict[str, frozenset[str]] = {}
        for name in new if self._settings.scope_implies else ():
            by = frozenset(one for one in (*new, *known) if name in self._settings.scope_implies.get(one, ()))
            if by and name not in self._required:
                included[name] = by
        new = tuple(name for name in new if name not in included)
        return Question(subject, new, known, self._required, needs_asking, included, resources)

    def read_decision(self, question: Question, form: Mapping[str, list[str]]) -> Decision | None:
        """The decision in a form; `None` where the user refused, or unticked everything."""
        if form.get("decision", [""])[-1] != "allow":
            return None
        ticked = set(form.get("scope", ()))
        chosen = {name for name in question.new if name in ticked or name in question.required}
        scopes = tuple(name for name in (*question.known, *question.new) if name in question.known or name in chosen)
        scopes += tuple(name for name, by in question.included.items() if not by.isdisjoint(scopes))
        if (question.new or question.known) and not scopes_in(scopes):
            return None
        return self._lasting(scopes, form.get("duration", [""])[-1])

    def remember(self, client: Client, question: Question, decision: Decision) -> None:
        """Remember the consent, so that the user isn't asked again while it lasts."""
        if decision.is_remembered:
            asked = (*question.new, *question.known, *question.included)
            self._store.remember(
                question.subject, client, decision.scopes, asked, decision.lasts_until, question.resources
            )

    def _lasting(self, scopes: tuple[str, ...], duration: str) -> Decision:
        """The decision, with the duration that the user chose; for one that isn't offered, the first of the offered ones."""
        offered = self._settings.consent_durations
        if not offered:
            return Decision(scopes)
        chosen = next((item for item in offered if str(item) == duration), offered[0])
        if chosen == "once":
            return Decision(scopes, refreshable=False, is_remembered=False)
        if chosen == "always":
            return Decision(scopes)
        return Decision(scopes, lasts_until=int(time.time()) + int(chosen))
