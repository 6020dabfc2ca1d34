"""The tour's sentences, a file a language."""
