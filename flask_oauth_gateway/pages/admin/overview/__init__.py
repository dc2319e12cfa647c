"""`GET /oauth/admin/`: the administrator's first look: what needs attention, and what happened in the last day."""
