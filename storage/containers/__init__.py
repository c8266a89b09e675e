"""The files that images come in, piece by piece: what is needed to decode them, and what is not.

Each of png, jpeg and webp has a walk over its chunks or segments that decodes nothing and reads
headers alone. It yields the pieces to be kept; text, EXIF, XMP, thumbnails, comments, unknown
chunks and what follows the end are not among them. Pure. Raises NotAnImage for a file that is not
built as its format says.
"""
