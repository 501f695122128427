"""Everything of this protocol in one place."""

from dataplane.llm.translate.codec import Codec
from dataplane.llm.translate.gemini.errors import read_error, write_error
from dataplane.llm.translate.gemini.read_answer import read_answer
from dataplane.llm.translate.gemini.read_request import read_request
from dataplane.llm.translate.gemini.read_stream import GeminiStreamReader
from dataplane.llm.translate.gemini.resume_stream import resume_stream
from dataplane.llm.translate.gemini.write_answer import write_answer
from dataplane.llm.translate.gemini.write_request import write_request
from dataplane.llm.translate.gemini.write_stream import GeminiStreamWriter

CODEC = Codec(
    read_request=read_request,
    write_request=write_request,
    read_answer=read_answer,
    write_answer=write_answer,
    stream_reader=GeminiStreamReader,
    stream_writer=GeminiStreamWriter,
    read_error=read_error,
    write_error=write_error,
    resume_stream=resume_stream,
)
