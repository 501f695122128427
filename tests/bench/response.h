// Reads one HTTP/1.1 response from pieces of any size: head, then a body of fixed length or in chunks. It keeps
// no body, only counts it, so that the load generator stays far cheaper than what it measures.
#ifndef BENCH_RESPONSE_H
#define BENCH_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

enum { HEAD_LIMIT = 16384, SIZE_LINE_LIMIT = 32 };

enum response_state {
    RESPONSE_IDLE,        // nothing is expected: any byte is an error
    RESPONSE_HEAD,
    RESPONSE_FIXED,       // content-length bytes
    RESPONSE_CHUNK_SIZE,  // the hexadecimal line before a chunk
    RESPONSE_CHUNK_DATA,
    RESPONSE_CHUNK_END,   // the CRLF after a chunk
    RESPONSE_TRAILERS,    // after the last chunk, until an empty line
    RESPONSE_DONE,
    RESPONSE_BROKEN,
};

struct response {
    enum response_state state;
    int status;
    bool closes;               // the peer said `connection: close`
    size_t body_bytes;         // payload only, chunk framing not counted
    size_t remaining;          // of the fixed body or of the current chunk
    size_t line_length;        // of the size line or trailer being read
    size_t head_length;
    char size_line[SIZE_LINE_LIMIT];
    char head[HEAD_LIMIT];
};

// Expects a new response.
void response_start(struct response *response);

// Reads `length` bytes; afterwards state is DONE, BROKEN or what is expected next. Bytes after the end break it:
// nobody pipelines here.
void response_feed(struct response *response, const char *bytes, size_t length);

#endif
