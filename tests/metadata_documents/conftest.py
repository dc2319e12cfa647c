"""A site whose clients may be in documents, and the server of these."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.client_documents import ON, DocumentServer, document_server
from tests.support.site import MakeSite, Site


@pytest.fixture
def documents(tmp_path: Path) -> Iterator[DocumentServer]:
    with document_server(tmp_path) as server:
        yield server


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(**ON)
