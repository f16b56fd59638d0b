// The anchor of the test support library and of the tests' precompiled header.
