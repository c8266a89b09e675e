"""Walks over image files, separating the pieces needed for decoding from the others.

For each of png, jpeg and webp, a walk over its chunks or segments decodes nothing and reads only
headers. It yields the pieces to keep and leaves out text, EXIF, XMP, thumbnails, comments, unknown
chunks and the bytes after the end. Pure. Raises NotAnImage for a file that violates its format.
"""
