"""What every test shares: no property test fails because a machine was busy."""

from hypothesis import settings

settings.register_profile("doublelock", deadline=None)
settings.load_profile("doublelock")
