"""One HTTP client and one stream client, bounded in retries, and listening; it decides nothing."""
