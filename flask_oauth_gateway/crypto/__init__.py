"""Keys, signatures, hashes and sealed texts; knows nothing of OAuth."""
