"""What the pages say, and in which languages: found in the templates and the code, compared with `locale/`.

`make texts` (`python -m tests.pages.catalogs`) brings the catalogs up to date: new texts stand there untranslated,
old ones are gone, and the .mo files are compiled anew.
"""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

import flask_oauth_gateway
from flask_oauth_gateway.authorization.request import NoSuchRequest, NotAccepted
from flask_oauth_gateway.clients.kinds import KINDS
from flask_oauth_gateway.config import OWN_SCOPES
from flask_oauth_gateway.config.openid import OPENID_SCOPES
from flask_oauth_gateway.descriptions.ready.first_requests import SENTENCES

PACKAGE = Path(flask_oauth_gateway.__file__).parent
LOCALE = PACKAGE / "locale"
DOMAIN = "flask_oauth_gateway"
LANGUAGES = ("ar", "de", "es", "fr", "it", "ja", "pt_BR", "zh_Hans")

#: Where an error comes from that a user may see on the error page: a module, and the calls that make one.
ERRORS = {
    "pages.admin": ("error_page", "NotFound"),
    "authorization.parameters": ("PageError",),
    "oidc.logout": ("InvalidRequestError",),
    "pages.authorize": ("error_page",),
    "pages.person": ("error_page",),
    "web.issuer": ("NotConfigured",),
    "web.request": ("InvalidRequestError",),
}
#: What is raised there and never shown on a page.
NOT_SHOWN = ("'%(name)s' belongs in the body of the request, never in its URL.",)
#: Errors with a description of their own.
DESCRIBED = ("RequestTooLarge", "TemporarilyUnavailable", "TooManyRequests")


def texts() -> Catalog:
    """Every text that a page may show, without translations."""
    catalog = Catalog(domain=DOMAIN, project=DOMAIN)
    methods = [("templates/**.html", "jinja2"), ("**.py", "python")]
    keywords: dict[str, Any] = {"_": None, "translate": None, "translate_plural": (1, 2)}
    for file, _, message, _, _ in extract_from_dir(PACKAGE, methods, keywords=keywords):
        catalog.add(message, None, [(file, None)])
    for text in OPENID_SCOPES.values():
        catalog.add(text, None, [("config/openid.py", None)])
    for text in OWN_SCOPES.values():
        catalog.add(text, None, [("config/__init__.py", None)])
    for text in SENTENCES:
        catalog.add(text, None, [("descriptions/ready/first_requests.py", None)])
    for kind in KINDS.values():
        for text in filter(None, (kind.title, kind.sentence, kind.hint)):
            catalog.add(text, None, [("clients/kinds.py", None)])
    for file, text in error_texts():
        catalog.add(text, None, [(file, None)])
    return catalog


def error_texts() -> Iterator[tuple[str, str]]:
    for name, makers in ERRORS.items():
        module = import_module(f"{flask_oauth_gateway.__name__}.{name}")
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in makers and node.args:
                text = _text(node.args[-1], module)
                if text is not None and text not in NOT_SHOWN:
                    yield f"{name.replace('.', '/')}.py", text
    yield from (("authorization/request.py", each.SENTENCE) for each in (NoSuchRequest, NotAccepted))
    errors = import_module(f"{flask_oauth_gateway.__name__}.errors")
    yield from (("errors/__init__.py", getattr(errors, name).description) for name in DESCRIBED)


def _text(node: ast.expr, module: ModuleType) -> str | None:
    """A text as the page looks it up; what an error says of a parameter is one text for all of them."""
    parts = []
    for part in node.values if isinstance(node, ast.JoinedStr) else [node]:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
        elif isinstance(part, ast.FormattedValue):
            name = part.value.id if isinstance(part.value, ast.Name) else ""
            parts.append(str(getattr(module, name)) if hasattr(module, name) else "%(name)s")
        else:
            return None
    return re.sub(r"^(The parameter) '[^']+'", r"\1 '%(name)s'", "".join(parts))


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)s|%.", text))


def path_of(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(language: str) -> Catalog:
    with path_of(language).open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN)


def update(language: str) -> list[str]:
    """Bring a catalog up to date and compile it; the texts that lack a translation."""
    catalog = read(language) if path_of(language).exists() else Catalog(locale=language, domain=DOMAIN)
    dates = catalog.creation_date, catalog.revision_date
    catalog.update(texts(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.creation_date, catalog.revision_date = dates
    path_of(language).parent.mkdir(parents=True, exist_ok=True)
    with path_of(language).open("wb") as file:
        write_po(file, catalog, width=110, sort_output=True)
    with path_of(language).with_suffix(".mo").open("wb") as file:
        write_mo(file, catalog)
    return [str(message.id) for message in catalog if message.id and not all(_forms(message.string))]


def _forms(string: Any) -> tuple[str, ...]:
    return (string or "",) if isinstance(string, str | None) else tuple(string)


if __name__ == "__main__":
    for language in LANGUAGES:
        for text in update(language):
            print(f"{path_of(language)}: not translated: {text}")  # noqa: T201
