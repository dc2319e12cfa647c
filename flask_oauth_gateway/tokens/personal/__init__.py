"""Personal access tokens, which users make for their own scripts, and what ends a token that was found where it isn't safe."""
