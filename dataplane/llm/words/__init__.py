"""The words in requests, answers and events of any API, found and changed where they stand."""
