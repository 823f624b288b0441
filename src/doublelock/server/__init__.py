"""The server: app, routes, stream, delivery; holds no content key and no share."""
