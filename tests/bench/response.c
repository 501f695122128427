#define _GNU_SOURCE
#include "response.h"

#include <stdlib.h>
#include <string.h>

void response_start(struct response *response) {
    // Not memset: the buffers are 16 KB and their old contents do no harm.
    response->state = RESPONSE_HEAD;
    response->status = 0;
    response->closes = false;
    response->body_bytes = 0;
    response->remaining = 0;
    response->line_length = 0;
    response->head_length = 0;
}

// The head is complete and zero-terminated: what framing does it announce?
static void read_head(struct response *response) {
    const char *head = response->head;
    response->status = atoi(head + strlen("HTTP/1.1 "));
    response->closes = strcasestr(head, "\nconnection: close") != NULL;
    const char *length = strcasestr(head, "\ncontent-length:");
    if (strcasestr(head, "\ntransfer-encoding: chunked")) {
        response->state = RESPONSE_CHUNK_SIZE;
    } else if (length) {
        response->remaining = strtoul(length + strlen("\ncontent-length:"), NULL, 10);
        response->state = response->remaining ? RESPONSE_FIXED : RESPONSE_DONE;
    } else {
        response->state = RESPONSE_BROKEN;  // a body that ends with the connection cannot be counted
    }
}

// Returns how many of the bytes belong to the head.
static size_t feed_head(struct response *response, const char *bytes, size_t length) {
    size_t before = response->head_length;
    size_t room = HEAD_LIMIT - 1 - before;
    size_t taken = length < room ? length : room;
    memcpy(response->head + before, bytes, taken);
    response->head_length += taken;
    char *end = memmem(response->head, response->head_length, "\r\n\r\n", 4);
    if (!end) {
        if (response->head_length == HEAD_LIMIT - 1) response->state = RESPONSE_BROKEN;
        return taken;
    }
    size_t head_length = (size_t)(end - response->head) + 4;
    response->head[head_length] = 0;
    read_head(response);
    return head_length - before;
}

static size_t feed_data(struct response *response, size_t length, enum response_state next) {
    size_t taken = length < response->remaining ? length : response->remaining;
    response->remaining -= taken;
    response->body_bytes += taken;
    if (response->remaining == 0) response->state = next;
    return taken;
}

static void feed_size_line(struct response *response, char byte) {
    if (byte != '\n') {
        if (response->line_length < SIZE_LINE_LIMIT - 1) response->size_line[response->line_length++] = byte;
        return;
    }
    response->size_line[response->line_length] = 0;
    response->line_length = 0;
    char *end;
    response->remaining = strtoul(response->size_line, &end, 16);
    if (end == response->size_line) {
        response->state = RESPONSE_BROKEN;
    } else {
        response->state = response->remaining ? RESPONSE_CHUNK_DATA : RESPONSE_TRAILERS;
    }
}

static void feed_trailers(struct response *response, char byte) {
    if (byte == '\n') {
        if (response->line_length == 0) response->state = RESPONSE_DONE;
        response->line_length = 0;
    } else if (byte != '\r') {
        response->line_length++;
    }
}

void response_feed(struct response *response, const char *bytes, size_t length) {
    while (length > 0) {
        size_t taken = 1;
        switch (response->state) {
            case RESPONSE_HEAD: taken = feed_head(response, bytes, length); break;
            case RESPONSE_FIXED: taken = feed_data(response, length, RESPONSE_DONE); break;
            case RESPONSE_CHUNK_DATA: taken = feed_data(response, length, RESPONSE_CHUNK_END); break;
            case RESPONSE_CHUNK_SIZE: feed_size_line(response, *bytes); break;
            case RESPONSE_CHUNK_END: if (*bytes == '\n') response->state = RESPONSE_CHUNK_SIZE; break;
            case RESPONSE_TRAILERS: feed_trailers(response, *bytes); break;
            case RESPONSE_IDLE:
            case RESPONSE_DONE:
            case RESPONSE_BROKEN: response->state = RESPONSE_BROKEN; return;
        }
        bytes += taken;
        length -= taken;
    }
}
