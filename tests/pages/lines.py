"""The table of `test_every_row`: what a line is, and the lines of the pages that users see."""

import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from werkzeug.test import TestResponse

from tests.pages import rows
from tests.pages.rows import Rows

NONE = "\N{EN DASH}"  # what stands where there is nothing
MORE = "\N{HORIZONTAL ELLIPSIS}"
YEAR = str(time.gmtime().tm_year)


class Line(NamedTuple):
    """What is opened, and what must be seen there: in the page's text, or in its markup."""

    template: str
    what: str
    at: str | Callable[[Rows], TestResponse]
    seen: tuple[str, ...]
    status: int = 200
    is_empty: bool = False  # on the site that has nothing

    @property
    def name(self) -> str:
        return f"{self.template}: {self.what}"


def admin(template: str, what: str, at: str, *seen: str) -> Line:
    return Line(f"admin/{template}", what, f"admin/{at}", seen)


def empty(template: str, at: str, *seen: str) -> Line:
    return Line(f"admin/{template}", "nothing", f"admin/{at}", seen, is_empty=True)


def done(template: str, what: str, at: Callable[[Rows], TestResponse], *seen: str, status: int = 200) -> Line:
    """What is there after a form was sent, or for somebody else."""
    return Line(template, what, at, seen, status)


def form(path: str, **sent: Any) -> Callable[[Rows], TestResponse]:
    """An administrator's form; the address is an application's or a client's."""
    page, _, query = path.partition("?")
    name, _, value = query.partition("=")
    return lambda site: site.submit(f"admin/{page}", sent, **({name: value} if name else {}))


def consent(client: str, person: str = "alice", **parameters: Any) -> Callable[[Rows], TestResponse]:
    return lambda site: site.consent(client, person, **parameters)


PEOPLE = [
    done("consent", "authorization details",
        consent("payer", authorization_details=json.dumps(rows.DETAILS)),
        "It asks for just this, too: Pay somebody Instructed amount Currency EUR Value 49.90 Where https://bank.example",
        f"Urgent yes Shared with others no Note {NONE} Others {NONE} Creditor B\u00e4cker ei <b>M\u00fcller</b>",
        "https://example.com/bare"),
    done("consent", "new scopes, one of them required; publisher, site, policy, terms",
        consent("full", "mailed", scope="weather:read plain"),
        "localhost W Weather board wants access to your localhost account Verified by localhost Published by Example Weather Ltd",
        "Website weather.example Contact a@example.com Contact b@example.com Known here since ",
        f"{YEAR} \u00b7 new here Signed in as",
        "Signed in as m@example.com Use another account",
        "It will be able to: Read the weather plain always needed It will not be able to: Change the weather Turn the wind"
        " Details"
        " weather:read Read the weather plain For how long?",
        'value="plain" checked disabled',
        "For how long? This time only 1 hour Until I take it back You will be sent to app.example https:// app.example /cb",
        "Its privacy policy Its terms of use"),
    done("consent", "known scopes, a user without a name, no more than terms",
        consent("long", scope="weather:read weather:write"), '<h1 class="long">',
        "You have granted this before: Read the weather", "Published by ops", "Its terms of use"),
    done("consent", "a verified client whose logo stands on this site", consent("logo", "bob"),
        '<img src="http://localhost/static/partner.png" alt="">', "Verified by localhost"),
    done("applications", "a logo that stands on this site",
        lambda site: site.as_person("bob", lambda: site.get("applications")),
        '<img src="http://localhost/static/partner.png" alt="">'),
    done("consent", "claims with their values", consent("logo", "alice", scope="openid email plain"),
        "Sign you in always needed Your account's identifier: alice",
        "See your email address Your email address: alice@example.com"),
    done("consent", "an app of a user's", consent("of-a-user", "bob"), "Published by a user of this site",
        "Any program on this device could pretend to be this application."),
    done("consent", "claims that were granted before", consent("logo", "bob", scope="openid email weather:read"),
        "You have granted this before: Sign you in Your account's identifier: bob See your email address Your email"
        " address: bob@"),
    done("consent", "a client that is known for long", consent("port", "bob"),
        "Known here since September 13, 2020 Signed in as"),
    done("consent", "a name that looks like the site's", consent("itself", "bob", redirect_uri="http://localhost:33418/cb"),
        "Its name is or looks like localhost . That does not mean that it comes from there."),
    done("consent", "a policy alone", consent("https://app.example/c?x=1&y=<b>", "nameless", scope="plain"),
        "Named by a URL", "Signed in as nameless", "Its privacy policy"),
    Line("consent", "the app offers no durations", consent("alone"), ("Alone", "s1 Details s1 You will be sent to",
        "Notes A Alone wants access to your Notes account", 'src="https://cdn.example/logo.svg"'),
        is_empty=True),
    done("consent", "resources, with and without a name",
        consent("port", "bob", resource=["urn:notes", "http://localhost"]),
        "For use with: Your notes urn:notes http://localhost"),
    done("consent", "a client whose tokens are always bound to a key", consent("bound", scope="weather:read"),
        "This access is tied to a key that only the application has: a stolen copy of it is of no use."),
    done("consent", "no scope", consent("unscoped", "bob"), "It asks for no particular permission."),
    done("consent", "an app on this machine", consent("loopback", "bob", redirect_uri="http://127.0.0.1:5001/cb"),
        "An app on this device http:// 127.0.0.1:5001 /cb"),
    done("consent", "an app on this machine, by IPv6", consent("ipv6", "bob", redirect_uri="http://[::1]:5001/cb"),
        "An app on this device http:// [::1]:5001 /cb"),
    done("consent", "a private scheme", consent("scheme", "bob"), "An app on this device com.example.app :/cb"),
    done("consent", "a port", consent("port", "bob"),
        "You will be sent to app.example:8443 https:// app.example:8443 /cb"),
    done("consent", "a long address", consent("far", "bob"), "The whole address https:// app.example /far/far/"),
    done("consent", "a site without a host to trust", consent("bad-site", "bob"), "account Website [::1]"),
    done("consent", "a page that was stale",
        lambda site: site.answered("bob", site.consent("port", "bob"), decision="allow", form_token="old"),
        "This page was out of date or meant for another account.", status=400),
    done("device", "no code yet", lambda site: site.as_person("alice", lambda: site.get("device")), 'value=""',
        "Use another account"),
    done("device", "a code in the address",
        lambda site: site.as_person("alice", lambda: site.get("device", user_code="BCDF")), 'value="BCDF"'),
    done("device", "a code that isn't known",
        lambda site: site.answered("alice", site.as_person("alice", lambda: site.get("device")), user_code="BCDF"),
        "This code is not known, or has expired.", 'aria-invalid="true"', status=400),
    done("device", "a page that was stale",
        lambda site: site.answered("alice", site.as_person("alice", lambda: site.get("device")), form_token="old"),
        "This page was out of date. Please send it again.", status=400),
    done("consent", "a client of a metadata document, whose links are no links",
        consent("https://client.example/oauth/metadata.json", "bob"),
        "account Described at client.example Website stranger.example Known here since",
        "This application was not checked by us. Its name and addresses are its own words. Go on only if you have just"
        " connected it yourself. Signed in as",
        "Its privacy policy https:// stranger.example /policy_uri Its terms of use https:// stranger.example /tos_uri"),
    done("consent", "a client that registered itself, on this machine",
        consent("itself", "bob", redirect_uri="http://localhost:33418/cb"),
        "does not mean that it comes from there. Any program on this device could pretend to be this application. Signed in as"),
    done("device_confirm", "a device asks", lambda site: site.device("alice"),
        "Television wants access to your localhost account Known here since", "A device asks for access to your account.",
        "Read the weather", "always needed",
        "The code is good for 9 more minutes.", "Did somebody send you this code", "Signed in as Alice It will be able to"),
    done("device_done", "allowed", lambda site: site.device("alice", "allow"),
        "Device connected You can close this page"),
    done("device_done", "refused", lambda site: site.device("alice", "deny"),
        "Device refused The device gets no access."),
    done("error", "a sentence", lambda site: site.get("authorize"), "The parameter 'client_id' is missing.",
        "Error code: invalid_request", status=400),
    done("error", "an explanation, in debug mode", rows.refused_on_debug,
        "The application that sent you here is not known, or no longer. Remove the connection in that program,",
        "Check ", " Expected ", " Got ", " See ", status=400),
    done("error", "no sentence", rows.refused_without_a_word, "This did not work You can close this page",
        status=418),
    done("form_post", "a code",
        lambda site: site.answered("alice", site.consent("port", "alice", response_mode="form_post"), decision="allow"),
        'action="https://app.example:8443/cb"', 'name="code"', 'name="iss"',
        "You are being sent back to the application."),
    done("form_post", "an error",
        lambda site: site.answered("alice", site.consent("port", "alice", response_mode="form_post"), decision="deny"),
        'name="error" value="access_denied"', 'name="error_description" value="The user refused."'),
    done("leaving", "a code",
        lambda site: site.answered("alice", site.consent("port", prompt="consent"), "text/html", decision="allow"),
        '<meta http-equiv="refresh" content="0; url=https://app.example:8443/cb?code=', "One moment Continue"),
    done("logout", "a client asks, and wants the user back",
        lambda site: site.logout("alice", client_id="full", post_logout_redirect_uri="https://weather.example/bye"),
        "Weather board Verified by localhost Published by Example Weather Ltd",
        "This application asks whether you want to sign out.",
        "Signed in as Alice You will be sent to weather.example https:// weather.example /bye Sign out To stay signed in",
        'name="post_logout_redirect_uri" value="https://weather.example/bye"'),
    done("logout", "a client asks, and wants nothing", lambda site: site.logout("alice", client_id="full"),
        "Signed in as Alice Sign out", 'name="client_id" value="full"'),
    done("logout", "an app wants the user back",
        lambda site: site.logout("alice", client_id="full", post_logout_redirect_uri="com.example.weather:/bye"),
        "You will be sent to An app on this device com.example.weather :/bye"),
    done("logout", "nobody is known to ask", lambda site: site.logout("nameless"), "Sign out? You will be signed out here.",
        "Signed in as nameless Sign out"),
    done("logout", "something is wrong",
        lambda site: site.logout("alice", client_id="full", post_logout_redirect_uri="https://evil.example/"),
        "The address to send you back to is not one that is registered for the application. You can sign out here all the",
        status=400),
    done("logout", "a page that was stale",
        lambda site: site.answered("alice", site.logout("alice", client_id="full"), form_token="old"),
        "This page was out of date or meant for another account.", 'name="client_id" value="full"', status=400),
    done("logout_again", "from another site", lambda site: site.logout(None, post=True, client_id="full", state="<>"),
        "One moment You are being signed out.", 'name="state" value="<>"', 'name="again" value="1"'),
    done("signed_out", "nobody was signed in", lambda site: site.logout(None),
        "You are signed out You can close this page."),
    done("signed_out", "a client would have them back",
        lambda site: site.logout(None, client_id="full", post_logout_redirect_uri="https://weather.example/bye", state="1"),
        'href="https://weather.example/bye?state=1"', "or go back to the application. Weather board"),
    done("applications", "approvals, with and without tokens, consents alone",
        lambda site: site.as_person("alice", lambda: site.get("applications")),
        "W Weather board Verified by localhost plain Read the weather It will not be able to: Change the weather Turn the"
        " wind Details"
        " plain weather:read Read the weather Published by Example Weather Ltd Website weather.",
        '<h2 id="application-1"', "Remembered plain Details plain Known here", "U Unscoped Known here", "Last used never",
        ' class="long"', "Short plain Change the weather Details"),
    done("applications", "one that is bound to a key, by its client's registration",
        lambda site: site.as_person("bob", lambda: site.get("applications")),
        "Bank plain Details plain This access is tied to a key"),
    done("applications", "an approval for once, without scopes of its own",
        lambda site: site.as_person("bob", lambda: site.get("applications")),
        "Weather board Verified by localhost plain Details plain Published"),
    done("applications", "authorization details",
        lambda site: site.as_person("carol", lambda: site.get("applications")), "Pay somebody Instructed amount Currency EUR"),
    done("applications", "clients that nobody checked",
        lambda site: site.as_person("carol", lambda: site.get("applications")),
        "Described This application was not checked by us. plain Details plain Described at client.example Website"
        " stranger.example Known",
        "Localhost itself This application was not checked by us."),
    done("applications", "nothing", lambda site: site.as_person("mailed", lambda: site.get("applications")),
        "No application has access to your account."),
    done("personal_tokens", "tokens that were used, from where it is known and not, and not",
        lambda site: site.as_person("maker", lambda: site.get("tokens")),
        "Not used Read the weather weather:read",
        "For Your notes",
        "from the network 192.0.2.0/24",
        "Last used never",
        "An administrator has stopped these tokens.",
        "End all tokens " + MORE),
    done("personal_tokens", "none", lambda site: site.as_person("mailed", lambda: site.get("tokens")), "You have no tokens."),
    done("personal_tokens", "a page that was stale",
        lambda site: site.as_person("maker", lambda: site.browser.post("/oauth/tokens/revoke", data={"x": "y"})),
        "This page was out of date.", status=400),
    done("personal_token_new", "the form", lambda site: site.as_person("maker", lambda: site.get("tokens/new")),
        "Read the weather weather:read", "Your notes urn:notes", "7 days 30 days 90 days Another number of days, below",
        "Days, 365 at most"),
    done("personal_token_new", "a mistake in it", lambda site: site.personal_token(expires="custom", days="0"),
        "A token lives from 1 to 365 days.", status=400),
    Line("personal_token_new", "short lives, one resource",
        lambda site: site.as_person("maker", lambda: site.get("tokens/new")), ("1 hour",), is_empty=True),
    done("personal_token_made", "the token", lambda site: site.personal_token(),
        "The token is shown this one time.", "A script", "pat_"),
    done("personal_token_made", "one with a long name", lambda site: site.personal_token(name="M" * 70), "M" * 70),
    done("applications", "a page that was stale",
        lambda site: site.as_person("alice", lambda: site.browser.post("/oauth/applications/full/revoke", data={"x": "y"})),
        "This page was out of date. Please send it again.", status=400),
]  # fmt: skip
