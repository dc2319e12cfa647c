"""The signals (blinker) that tell what happened. The sender is the app. No payload holds a secret or a whole token."""

from blinker import Namespace

_signals = Namespace()

#: A client proved who it is. `client_id`, `method`.
client_authenticated = _signals.signal("oauth-client-authenticated")
#: A client failed to prove who it is. `client_id` as claimed (unverified) or `None`, `reason`.
client_rejected = _signals.signal("oauth-client-rejected")
#: A token was given. `client_id`, `subject`, `grant_type`, `scopes`, `token_id`.
token_issued = _signals.signal("oauth-token-issued")
#: A token was given for a refresh token. `client_id`, `subject`, `grant_type`, `scopes`, `token_id`.
token_refreshed = _signals.signal("oauth-token-refreshed")
#: A refresh token was used a second time, so its approval was revoked. `client_id`, `subject`, `count` of approvals.
refresh_token_reused = _signals.signal("oauth-refresh-token-reused")
#: A user allowed a client some scopes. `client_id`, `subject`, `scopes`, `asked` (False where no page was shown),
#: `detail_types` (of the authorization details that were allowed: RFC 9396).
authorization_granted = _signals.signal("oauth-authorization-granted")
#: A user refused a client, or withdrew an approval. `client_id`, `subject`, `reason` ("denied", "withdrawn").
authorization_denied = _signals.signal("oauth-authorization-denied")
#: Tokens were revoked. `client_id`, `subject`, `token_id` (each `None` where the revocation didn't name it), `count`,
#: `by`, `actor` (who revoked them, where that is neither the client nor the subject); `reason` ("leaked") and
#: `found_at`, where a token was reported as leaked, else `None`.
token_revoked = _signals.signal("oauth-token-revoked")
#: A presented token was refused. `error`, `reason`, `client_id` (`None` where the token is unknown), `path`.
token_rejected = _signals.signal("oauth-token-rejected")
#: A certificate's header came from somebody who is no proxy of ours, and did not count. `address` (the connection's own),
#: `header`.
certificate_ignored = _signals.signal("oauth-certificate-ignored")
#: A JWT or SAML assertion was refused. `kind` ("JWT", "SAML"), `reason`, `client_id` (`None` where none authenticated).
assertion_rejected = _signals.signal("oauth-assertion-rejected")
#: A client was registered. `client_id`, `actor`.
client_created = _signals.signal("oauth-client-created")
#: A program registered a client by itself (RFC 7591). `client_id`, `owner` (of the initial access token), `by` ("open",
#: "token", "statement", or "document" for one that was read of its metadata document).
client_registered = _signals.signal("oauth-client-registered")
#: A client was changed. `client_id`, `change` ("update", "rotate_secret", "end_secret", "delete"), `fields` that
#: changed, `actor`; of an update also `enabled`, `None` where that stayed.
client_changed = _signals.signal("oauth-client-changed")
#: An application was registered. `application_id`, `actor`.
application_created = _signals.signal("oauth-application-created")
#: An application was changed. `application_id`, `change` ("update", "approve", "revoke", "delete"), `fields` that
#: changed, `actor`. For each client that was deleted with the application, `client_changed` is sent too.
application_changed = _signals.signal("oauth-application-changed")
#: A client was told that a user's session has ended. `client_id`, `subject`, `tries`.
logout_delivered = _signals.signal("oauth-logout-delivered")
#: A client could not be told. `client_id` (`None` where the client is gone), `subject`, `tries`, `reason`, `given_up`
#: (False where it will be told again).
logout_failed = _signals.signal("oauth-logout-failed")
#: A signing key was made, or is no longer accepted. `kid`, `change` ("rotate", "retire"), `actor`.
key_changed = _signals.signal("oauth-key-changed")
#: A session at a client has ended. `client_id`, `subject`, `sid` (its first characters), `by`, `actor` (who ended it, where
#: that is neither code nor the user).
session_ended = _signals.signal("oauth-session-ended")
