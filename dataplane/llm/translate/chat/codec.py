"""Chat completions, both ways."""

from dataplane.llm.translate.chat.errors import read_error, write_error
from dataplane.llm.translate.chat.read_answer import read_answer
from dataplane.llm.translate.chat.read_request import read_request
from dataplane.llm.translate.chat.read_stream import StreamReader
from dataplane.llm.translate.chat.resume_stream import resume_stream
from dataplane.llm.translate.chat.write_answer import write_answer
from dataplane.llm.translate.chat.write_request import write_request
from dataplane.llm.translate.chat.write_stream import StreamWriter
from dataplane.llm.translate.codec import Codec

CODEC = Codec(
    read_request=read_request,
    write_request=write_request,
    read_answer=read_answer,
    write_answer=write_answer,
    stream_reader=StreamReader,
    stream_writer=StreamWriter,
    read_error=read_error,
    write_error=write_error,
    resume_stream=resume_stream,
)
