"""Why a node failed, in words: the provider's stable words as phrases that end a sentence. Pure."""

# The words of the simulator's API (jobs/simulator/boot/node_record.py, FailureReason).
_PHRASES = {
    "boot_failed": "it could not start",
    "broker_silent": "it could not reach the portal",
    "sandbox_failed": "its sandbox could not be started",
    "address_lost": "its address was taken by another program",
    "context_failed": "its set-up failed",
    "node_died": "it lost power",
    "disk_full": "its disk was full",
    "state_unwritable": "its state could not be saved",
}


def phrase(reason: str) -> str:
    """Return the phrase for a provider's word, such as "it lost power". Other text stays as the provider wrote it."""
    return _PHRASES.get(reason, reason)
