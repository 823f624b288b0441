"""The command line, one file per role: arguments in, words out; nothing here decides."""
