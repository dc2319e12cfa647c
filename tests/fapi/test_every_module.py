"""Every module of the FAPI 2.0 plans that concerns a server's own answers is a test of that name (OpenID suite, August 2026).

Not among them: TLS's ciphers and versions, which are the proxy's, and the modules of countries' own profiles.
"""

import ast
from pathlib import Path

import pytest

SECURITY_PROFILE = """
happy-flow
discovery-end-point-verification
user-rejects-authentication
ensure-authorization-request-without-state-success
ensure-authorization-request-without-nonce-success
ensure-authorization-request-with-64-char-nonce-success
ensure-authorization-request-with-long-nonce
ensure-authorization-request-with-long-state
ensure-other-scope-order-succeeds
access-token-type-header-case-sensitivity
check-dpop-proof-nbf-exp
ensure-dpopproof-with-iat-10seconds-before-succeeds
ensure-dpopproof-with-iat-10seconds-after-succeeds
dpop-negative-tests
ensure-mismatched-dpop-jkt-fails
ensure-token-endpoint-fails-with-mismatched-dpop-jkt
ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt
ensure-dpopproof-at-par-endpoint-binding-success
ensure-dpop-auth-code-binding-success
ensure-holder-of-key-required
ensure-authorization-code-is-bound-to-client
attempt-reuse-authorization-code-after-one-second
ensure-token-endpoint-fails-with-expired-auth-code
ensure-client-id-in-token-endpoint
refresh-token
ensure-signed-client-assertion-with-RS256-fails
ensure-client-assertion-in-token-endpoint
ensure-client-assertion-with-exp-is-5-minutes-in-past-fails
ensure-client-assertion-with-wrong-aud-fails
ensure-client-assertion-with-no-sub-fails
par-attempt-reuse-request_uri
par-attempt-to-use-expired-request_uri
par-attempt-to-use-request_uri-for-different-client
par-ensure-reused-request-uri-prior-to-auth-completion-succeeds
par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted
par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails
par-authorization-request-containing-request_uri-form-param
par-attempt-invalid-http-method
par-ensure-pkce-required
ensure-pkce-code-verifier-required
incorrect-pkce-code-verifier-rejected
par-plain-pkce-rejected
par-without-duplicate-parameters
par-test-array-as-audience-fails
par-test-par-endpoint-url-as-audience-fails
par-test-token-endpoint-url-as-audience-fails
ensure-registered-redirect-uri
plain-fapi-tolerate-unregistered-redirect-uri
ensure-redirect-uri-in-authorization-request
ensure-response-type-code-idtoken-fails
ensure-response-type-token-fails
ensure-unsigned-authorization-request-without-using-par-fails
ensure-server-handles-non-matching-intent-id
test-essential-acr-sca-claim
test-claims-parameter-identity-claims
"""
MESSAGE_SIGNING = """
ensure-request-object-with-multiple-aud-succeeds
ensure-request-object-without-exp-fails
ensure-request-object-without-nbf-fails
ensure-expired-request-object-fails
ensure-request-object-with-bad-aud-fails
ensure-request-object-with-exp-over-60-fails
ensure-request-object-with-nbf-over-60-fails
ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted
ensure-request-object-without-redirect-uri-fails
ensure-request-object-signature-algorithm-is-not-none
ensure-request-object-with-invalid-signature-fails
ensure-signed-request-object-with-RS256-fails
ensure-matching-key-in-authorization-request
ensure-unsigned-request-at-par-endpoint-fails
par-authorization-request-containing-request_uri
ensure-different-nonce-inside-and-outside-request-object
ensure-different-state-inside-and-outside-request-object
state-only-outside-request-object-not-used
"""
MODULES = [*SECURITY_PROFILE.split(), *MESSAGE_SIGNING.split()]


def names_here() -> set[str]:
    """The names of the tests in this folder, each of which asserts something or calls what does."""
    return {
        node.name
        for file in Path(__file__).parent.glob("test_*.py")
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize("module", MODULES)
def test_every_module_is_a_test_of_that_name(module: str) -> None:
    assert f"test_{module.replace('-', '_')}" in names_here()


def test_each_module_is_named_once() -> None:
    assert len(MODULES) == len(set(MODULES)) == 73
