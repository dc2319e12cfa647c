"""The apps that users register for themselves (`OAUTH_DEVELOPER`)."""
