"""Objects in storage, and the rows that say which of them are images."""

from storage.services.object_store import (
    UploadProgress,
    delete_objects,
    image_key_of,
    input_key_of,
    key_of,
    open_stream,
    partial_key_of,
    prove,
    prove_removal,
    read_on_loop,
    remove_all,
    remove_until,
    require,
    signed_url,
    upload,
    upload_on_loop,
    url_seconds,
)
from storage.services.stored_images import (
    delete_expired,
    delete_image_rows,
    findable_until,
    forget_images,
    insert_images_part,
    keep_painted,
    make_findable,
    remove_images,
)
from storage.wire import ObjectMissing, StorageFailed
