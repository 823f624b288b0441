"""One HTTP client and one stream client, with bounded retries; it decides nothing."""
