"""Storage of images: their keys, their bytes on S3, and their expiry."""
