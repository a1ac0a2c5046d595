"""Settings, profiles, environment, trust and the places where files live."""
