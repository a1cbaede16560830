"""Commands for who keeps an installation: settings, doctor, stores, the manifest."""
