"""The values everything else speaks in; imports nothing of ours."""
