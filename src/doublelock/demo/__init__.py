"""The whole world on loopback; alone may import every role."""
