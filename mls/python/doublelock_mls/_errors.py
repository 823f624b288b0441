"""The one exception class of the binding."""

from typing import final


@final
class MlsError(Exception):
    """A refusal; `code` is stable and kebab-case, `message` holds no secret."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"
