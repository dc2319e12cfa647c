"""The table of `test_every_row`: the lines of the pages on which users look after their own apps."""

from collections.abc import Callable
from typing import Any

from werkzeug.test import TestResponse

from tests.pages.lines import MORE, Line, admin, done
from tests.pages.rows import Rows
from tests.support.site import Page


def own(path: str, app: str | None = None, person: str = "carol", **query: Any) -> Callable[[Rows], TestResponse]:
    """A page of a user's, about one of their apps."""

    def opened(site: Rows) -> TestResponse:
        at = query if app is None else {"client_id": site.own[app], **query}
        return site.as_person(person, lambda: site.get(f"developer/{path}", **at))

    return opened


def sent(path: str, app: str | None = None, person: str = "carol", **form: Any) -> Callable[[Rows], TestResponse]:
    """A form of theirs, with the token that the pages carry unless `form` has one."""

    def opened(site: Rows) -> TestResponse:
        def post() -> TestResponse:
            token = Page(site.get("developer/apps/new", kind="web")).hidden("form_token")
            at = {} if app is None else {"client_id": site.own[app]}
            data = {"form_token": token, **form}
            if path == "app/secret":
                data["version"] = Page(site.get("developer/app", **at)).hidden("version")
            return site.browser.post(f"/oauth/developer/{path}", data=data, query_string=at)

        return site.as_person(person, post)

    return opened


DEVELOPER = [
    done("developer/apps", "as many as there may be, in every state", own(""),
        "Waits", "Waits for approval", "Rejected", "Not approved", "Switched off by an administrator", "Works",
        "Made by an administrator", "You have 6 apps, which is the most."),
    done("developer/apps", "one app", own("", person="bob"), "Bob's", "New app"),
    done("developer/apps", "none yet, with approval", own("", person="alice", done="deleted"), "The app is deleted.",
        "An administrator looks at every new app."),
    Line("developer/apps", "none yet", lambda site: site.as_person("alice", lambda: site.get("developer/")),
        ("Register an app here",), is_empty=True),
    done("developer/kinds", "what it is", own("apps/new"), "What is your app?", "Machine"),
    done("developer/form", "a new one", own("apps/new", kind="web"), "New app Web app on a server", 'value="plain"',
        "The secret expires after days", "An administrator looks at every new app.", "after signing out", "One a line."),
    done("developer/form", "a new one without redirect URIs", own("apps/new", kind="machine"), "Machine"),
    Line("developer/form", "no scopes", lambda site: site.as_person("bob", lambda: site.get("developer/apps/new?kind=browser")),
        ("Nothing: no scope is open",), is_empty=True),
    Line("developer/form", "a key in place of a secret",
        lambda site: site.as_person("bob", lambda: site.get("developer/apps/new?kind=web")),
        ("Address of its public keys",), is_empty=True),
    done("developer/form", "a mistake", sent("apps/new", kind="web", client_name="", tos_uri="https://typed.example"),
        "An app needs a name", 'value="https://typed.example"', "open>", status=400),
    done("developer/form", "one that waits", own("app/edit", "Waits"), "Edit Waits", 'value="plain" checked',
        "carol@own.example"),
    done("developer/form", "one that is approved", own("app/edit", "A name th"), "An administrator has approved this app."),
    done("developer/form", "one that an administrator changed", own("app/edit", "Changed b"), "com.example.app:/cb"),
    done("developer/app", "one that waits, with all that can be told", own("app", "Waits", done="changed"),
        "The change is made.", "works for you alone", "Your app sent a wrong secret.", "3 times", "x:/y",
        "A request of your app was refused.", "https://own.example/policy", f"{MORE}", "Expired", "End it"),
    done("developer/app", "one that was rejected", own("app", "Rejected"), "has not approved this app"),
    done("developer/app", "one that is switched off", own("app", "Off by ro"), "has switched this app off"),
    done("developer/app", "a long name, approved", own("app", "A name th"), '<h1 class="long">', "Nothing."),
    done("developer/app", "one that an administrator changed", own("app", "Changed b"), "Made by an administrator"),
    done("developer/app", "a stale form", sent("app/secret", "Waits", form_token="old"), "out of date", status=400),
    done("developer/delete", "what it ends", own("app/delete", "Waits"), "Delete this app?", "Live tokens 0"),
    done("developer/delete", "a stale form", sent("app/delete", "Waits", form_token="old"), "out of date", status=400),
    done("developer/secret", "another secret", sent("app/secret", "Sixth", overlap="0"), "The new secret Credentials",
        "client_secret"),
    done("developer/secret", "a new app", sent("apps/new", person="bob", kind="device", client_name="TV"),
        "Your app is registered Credentials client_id"),
    done("admin/application", "the app of a user that waits",
        lambda site: site.get("admin/application", application_id=site.own["Waits"]), "What is to be approved",
        "https://own.example/policy", "carol@own.example dave@own.example", 'name="version" value="1"'),
    done("admin/application", "one that says little of itself",
        lambda site: site.get("admin/application", application_id=site.own["Sixth"]), "What is to be approved Grant types"),
    admin("clients", "users' own apps", "clients?origin=developer", "Registered by a user", "Waits for approval"),
]  # fmt: skip
