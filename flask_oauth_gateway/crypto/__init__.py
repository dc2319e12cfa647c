"""Keys, signatures, hashes and sealed texts. Nothing here knows OAuth."""
