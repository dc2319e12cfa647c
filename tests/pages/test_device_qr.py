"""`gateway.device_qr`: a device shows the answer that it got as a QR code, and a phone's camera opens it."""

import re
import sys
from typing import Any
from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from flask_oauth_gateway import OAuthGateway
from tests.support.device import register, start
from tests.support.qr_codes import read_svg
from tests.support.site import Site

COMPLETE = "https://example.com/oauth/device?user_code=BCDF-GHJK"
PLAIN = "https://example.com/oauth/device"


def test_a_camera_reads_the_address_that_the_device_was_answered(site: Site) -> None:
    codes = start(site, register(site))
    with site.app.test_request_context():
        drawn = site.gateway.device_qr(codes)
    for ground in (255, 0):  # on a dark page its own white ground is what the camera needs
        assert read_svg(drawn, ground) == [codes["verification_uri_complete"]]
    assert codes["verification_uri"] in drawn
    assert codes["user_code"] not in drawn  # a device spells it beside it


def test_a_device_needs_no_gateway_of_its_own() -> None:
    drawn = OAuthGateway.device_qr({"verification_uri": PLAIN, "verification_uri_complete": COMPLETE})
    assert read_svg(drawn) == [COMPLETE]


def test_without_the_complete_address_it_leads_to_the_page(site: Site) -> None:
    for answer in ({"verification_uri": PLAIN}, {"verification_uri": PLAIN, "verification_uri_complete": None}):
        assert read_svg(OAuthGateway.device_qr(answer)) == [PLAIN]
    assert read_svg(OAuthGateway.device_qr({"verification_uri_complete": COMPLETE})) == [COMPLETE]


def test_the_picture_has_a_name_and_no_style_and_is_markup() -> None:
    drawn = OAuthGateway.device_qr({"verification_uri_complete": COMPLETE})
    assert isinstance(drawn, Markup)
    assert not re.search(r"style|\son\w+=|<script|url\(", drawn)
    svg = ElementTree.fromstring(drawn)  # noqa: S314 (our own)
    assert svg.attrib["role"] == "img"
    assert svg.attrib["class"] == "oauth-qr"
    assert svg[0].tag.endswith("title")
    assert svg[0].text == f"QR code: leads to {COMPLETE}"
    side = int(svg.attrib["viewBox"].split()[-1])
    xs = [int(x) for x in re.findall(r"M(\d+) ", svg[2].attrib["d"])]
    ys = [int(y) for y in re.findall(r"M\d+ (\d+)", svg[2].attrib["d"])]
    assert (min(xs), min(ys)) == (4, 4), "four modules of white around it"
    assert max(ys) == side - 5


@pytest.mark.parametrize("address", [
    f"{PLAIN}?user_code=<b>&amp;\"'", f"{PLAIN}?user_code={'B' * 900}", "http://127.0.0.1:5000/oauth/device",
    "https://bücher.example/gerät",
])  # fmt: skip
def test_any_address_of_another_server_is_drawn_as_it_is(address: str) -> None:
    drawn = OAuthGateway.device_qr({"verification_uri": address})
    assert "<b>" not in drawn
    assert read_svg(drawn) == [address]


@pytest.mark.parametrize("response", [
    {}, {"error": "invalid_client"}, {"verification_uri": ""}, {"verification_uri": 5}, {"verification_uri": [PLAIN]},
    {"verification_uri": "javascript:alert(1)"}, {"verification_uri_complete": "/oauth/device"},
    {"verification_uri": "https://"}, {"verification_uri": "https://["}, {"verification_uri": f"{PLAIN}\n"},
    {"verification_uri": PLAIN + "x" * 2000},
])  # fmt: skip
def test_what_leads_nowhere_is_said_in_words(response: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="verification_uri"):
        OAuthGateway.device_qr(response)


@pytest.mark.parametrize("page", ["javascript:alert(1)", {"a": 1}, "x" * 5000, "</title><script>", "\u202e", 5])
def test_what_is_no_address_is_no_title_either(page: Any) -> None:
    drawn = OAuthGateway.device_qr({"verification_uri": page, "verification_uri_complete": COMPLETE})
    assert f"<title>QR code: leads to {COMPLETE}</title>" in drawn


def test_without_segno_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "segno", None)
    with pytest.raises(RuntimeError, match=r"pip install 'flask-oauth-gateway\[qr\]'"):
        OAuthGateway.device_qr({"verification_uri": PLAIN})
