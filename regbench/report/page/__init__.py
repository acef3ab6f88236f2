"""One self-contained HTML page: no network, light and dark, for phones and paper."""
