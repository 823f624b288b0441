"""What every test shares: a property is judged by its outcome, never by the machine's speed."""

from hypothesis import settings

settings.register_profile("doublelock", deadline=None)
settings.load_profile("doublelock")
