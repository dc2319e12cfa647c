"""An administrator's work on several clients or tokens at once, and what another process does meanwhile."""

import re

from werkzeug.test import TestResponse

from tests.support.admin import AdminSite
from tests.support.other_process import Doing
from tests.support.site import Page


def preview(site: AdminSite, action: str, *client_ids: str, kind: str = "clients") -> TestResponse:
    field = "client" if kind == "clients" else "token_id"
    return site.submit(f"{kind}/bulk", {"action": action, field: [*client_ids]})


def confirm(site: AdminSite, page: TestResponse, kind: str = "clients") -> TestResponse:
    carried = Page(page).hidden("preview")
    return site.browser.post(f"/oauth/admin/{kind}/bulk", data={"preview": carried})


def outcomes(page: TestResponse) -> dict[str, bool]:
    """What became of each, by its name."""
    rows = re.findall(r'<tr><th scope="row">.*?<bdi>([^<]+)</bdi>.*?class="state (on|off)">', page.text, re.DOTALL)
    return {name: state == "on" for name, state in rows}


class Meanwhile(Doing):
    """What another administrator's process does."""

    def issue_for_itself(self, client_id: str) -> None:
        self.gateway.clients.update(client_id, enabled=True)
        self.gateway.tokens.issue(client_id)
