"""Why a request is refused: reads it as it was sent, or as a line of curl."""
