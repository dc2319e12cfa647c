"""Whatever an authorization request says: never a 500, and nobody is sent anywhere but to the client's own address."""

from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.support.site import READ, REDIRECT_URI, Site, challenge_of

LOOPBACK = "http://127.0.0.1/cb"
odd = st.one_of(
    st.sampled_from(["", "\0", "\r\nX: y", "é", "<script>", "x" * 5000, "%zz", "[::", "a b", "none", "login", "1"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
addresses = st.one_of(
    st.sampled_from([REDIRECT_URI, LOOPBACK, "http://127.0.0.1:5000/cb"]),
    st.builds(
        "{}{}{}{}{}".format,
        st.sampled_from(["https://", "http://", "HTTP://", "//", "", "https:\\\\", "javascript:", " https://"]),
        st.sampled_from(["", "x@", "127.0.0.1:80@", "app.example@", "\\@", "\t"]),
        st.sampled_from(["app.example", "127.0.0.1", "[::1]", "localhost", "evil.example", "127.0.0.1.evil", "[", "é"]),
        st.sampled_from(["", ":80", ":443", ":0", ":", ":x", ":99999", ":08", ".", "\n"]),
        st.sampled_from(["/cb", "/cb/", "/CB", "", "/cb?a", "/cb#a", "/../cb", "/%63b", "\\cb", "/cb\0"]),
    ),
    odd,
)
requests = st.fixed_dictionaries(
    {"client_id": st.sampled_from(["known", "known", "known", "nobody", ""]), "redirect_uri": addresses},
    optional={
        "response_type": st.one_of(st.sampled_from(["code", "code", "token", "code token"]), odd),
        "scope": st.one_of(st.just(READ), odd),
        "state": odd,
        "code_challenge": st.one_of(st.just(challenge_of("v" * 50)), odd),
        "code_challenge_method": st.one_of(st.just("S256"), odd),
        "response_mode": st.one_of(st.sampled_from(["query", "fragment", "form_post"]), odd),
        "prompt": st.one_of(st.sampled_from(["none", "login", "consent"]), odd),
        "max_age": odd,
        "request_uri": odd,
    },
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests=st.lists(requests, min_size=1, max_size=3), method=st.sampled_from(["GET", "POST"]))
def test_nobody_is_sent_to_an_address_that_isn_t_registered(
    site: Site, requests: list[dict[str, str]], method: str
) -> None:
    if site.gateway.clients.get("known") is None:
        site.register_public(
            client_id="known", redirect_uris=[REDIRECT_URI, LOOPBACK], grant_types=["authorization_code"]
        )
    for parameters in requests:
        how: dict[str, Any] = {"query_string": parameters} if method == "GET" else {"data": parameters}
        response = site.browser.open("/oauth/authorize", method=method, **how)
        assert response.status_code in (200, 302, 303, 400, 413, 503), response.text
        where = response.headers.get("Location")
        event(f"{response.status_code}")
        if where is None:
            assert response.mimetype == "text/html"
            assert "<script>" not in response.text
        elif parameters["redirect_uri"] in (REDIRECT_URI, LOOPBACK, "http://127.0.0.1:5000/cb"):
            assert where.startswith((parameters["redirect_uri"] + "?", parameters["redirect_uri"] + "#"))
        else:
            # no other address than these fits, save for the port of the loopback one
            assert where.startswith(
                ("http://127.0.0.1:80/cb?", "http://127.0.0.1:443/cb?", "http://127.0.0.1:0/cb?")
            ), where
