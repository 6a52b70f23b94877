"""A hub as the test suites of client SDKs expect to find it."""
