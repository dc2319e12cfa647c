"""Guards views: the token of a request is checked before the view is called."""
