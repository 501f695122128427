"""Pictures, sound and documents: `inlineData` and `fileData`, both ways."""

from base64 import b64encode
from typing import Any

from dataplane.llm.hub.parts import Media
from dataplane.llm.translate.gemini.fields import Fields
from dataplane.llm.translate.gemini.signature import standard_base64

_GOOGLE = ("https://generativelanguage.googleapis.com/", "gs://", "files/")
"""Where files of Google's own stand: only Google can open them."""
_YOUTUBE = ("https://www.youtube.com/", "https://youtu.be/", "https://youtube.com/")
_ENDINGS = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "heic": "image/heic",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "html": "text/html",
    "csv": "text/csv",
    "json": "application/json",
    "mp3": "audio/mp3",
    "wav": "audio/wav",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
}
_BEGINNINGS = (
    ("iVBOR", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "image/webp"),
    ("JVBERi", "application/pdf"),
)
"""How base64 of a file of a kind begins."""
_BY_KIND = {
    "image": "image/jpeg",
    "document": "application/pdf",
    "audio": "audio/wav",
    "video": "video/mp4",
}


def kind_of(mime_type: str) -> str:
    """The hub's kind."""
    kind = mime_type.partition("/")[0].lower()
    return kind if kind in ("image", "audio", "video") else "document"


def blob(fields: Fields) -> Media:
    """`inlineData`."""
    mime_type = fields.text("mimeType")
    return Media(
        kind_of(mime_type),
        mime_type,
        data=standard_base64(fields.text("data")),
        name=fields.text("displayName"),
    )


def file(fields: Fields) -> Media:
    """`fileData`: an address, or a file that only Google can open."""
    uri = fields.text("fileUri")
    told = fields.text("mimeType")
    mime_type = told or _by_ending(uri)
    kind = "video" if uri.startswith(_YOUTUBE) else kind_of(mime_type)
    media = Media(kind, mime_type, name=fields.text("displayName"))
    if uri.startswith(_GOOGLE):
        media.file_id = uri
    else:
        media.url = uri
    return media


def write_media(media: Media) -> dict[str, Any] | None:
    """The part; None when the API cannot get at it (another provider's file, an address that is
    not https).
    """
    if media.data:
        mime_type = media.mime_type or _by_beginning(media)
        return {"inlineData": {"mimeType": mime_type, "data": media.data}}
    if media.text:
        data = b64encode(media.text.encode()).decode()
        return {"inlineData": {"mimeType": media.mime_type or "text/plain", "data": data}}
    uri = media.file_id or media.url
    if not uri.startswith(_GOOGLE if media.file_id else ("https://", "gs://")):
        return None
    found: dict[str, Any] = {"fileUri": uri}
    mime_type = media.mime_type or _by_ending(uri)
    if not mime_type and not uri.startswith((*_GOOGLE, *_YOUTUBE)):
        mime_type = _BY_KIND.get(media.kind, "")
    if mime_type:
        found = {"mimeType": mime_type, "fileUri": uri}
    return {"fileData": found}


def _by_ending(uri: str) -> str:
    path = uri.partition("?")[0].partition("#")[0]
    return _ENDINGS.get(path.rpartition(".")[2].lower(), "")


def _by_beginning(media: Media) -> str:
    known = (mime for start, mime in _BEGINNINGS if media.data.startswith(start))
    return next(known, _BY_KIND.get(media.kind, "application/octet-stream"))
