"""One module per wire format, over one HTTP client with retry and fallback."""
