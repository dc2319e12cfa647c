"""Figures for administrators: what the stored rows add up to. Of what is read, the amount is bounded."""
