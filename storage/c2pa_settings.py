"""Settings of c2pa-python, by whose defaults it fetches, decodes and holds too much.

By default a picture could make a worker fetch an address, and signing would decode each picture.

Source: opensource.contentauthenticity.org/docs/c2pa-python/docs/context-settings.
"""

LIMITS: dict[str, object] = {
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"remote_manifest_fetch": False},
    "core": {
        "allowed_network_hosts": [],
        "backing_store_memory_threshold_in_mb": 4,
        "max_decompressed_manifest_size_in_mb": 8,
    },
}
