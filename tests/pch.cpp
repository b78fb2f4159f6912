// Carries the precompiled header that every unit-test binary shares.
