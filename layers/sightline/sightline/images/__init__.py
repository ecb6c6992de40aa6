"""Images: the ledger that knows every one of them, and where uploads lie."""
